/** Something that runs beside requests: a worker, a subscription, a server. */
export interface Service {
  /** Resolves when it runs. */
  start(): Promise<void>;
  /** Takes nothing new, ends what is under way, and resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}
