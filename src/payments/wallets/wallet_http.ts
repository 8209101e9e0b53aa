import { HttpClient, type HttpClientOptions, HttpFault } from "../../web/http_client.ts";
import type { HttpAnswer, HttpQuestion } from "../../web/http_client.ts";
import { WalletError } from "../wallet.ts";

export type { HttpAnswer, HttpQuestion };

/** Asks one wallet's HTTP interface, as `HttpClient` does; what goes wrong there is a WalletError of the same kind. */
export class WalletHttp {
  readonly #http: HttpClient;

  constructor(options: HttpClientOptions) {
    this.#http = new HttpClient(options);
  }

  ask(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    return this.#http.ask(method, path, question, signal).catch(walletFault);
  }

  open(method: string, path: string, question: HttpQuestion, signal: AbortSignal): Promise<Response> {
    return this.#http.open(method, path, question, signal).catch(walletFault);
  }

  check(status: number, question: HttpQuestion): void {
    try {
      this.#http.check(status, question);
    } catch (error) {
      walletFault(error);
    }
  }

  url(path: string): URL {
    return this.#http.url(path);
  }

  close(): void {
    this.#http.close();
  }
}

function walletFault(error: unknown): never {
  throw error instanceof HttpFault ? new WalletError(error.kind, error.message) : error;
}
