import { errorText } from "../../log.ts";
import type { EventCrypto } from "../../nostr/verify.ts";
import type { Wallet } from "../../payments/wallet.ts";
import { type Probed, probeWallet } from "../wallet_probe.ts";
import { tryWallet, type WalletTrial } from "../wallet_trial.ts";
import { walletOf } from "../wallets.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const ANSWER_MS = 5_000;

/** What a wallet's URL led to: a wallet and what came of it, or none. */
type Asked<T> = { name: string; pays: boolean; said: T } | { unusable: string };

/** The wallet that takes the money, which is tried, and the one that pays refunds if it is set. */
export async function lookAtWallets(patient: Patient, crypto: EventCrypto): Promise<Finding[]> {
  const { NCC_WALLET: receive, NCC_WALLET_SPEND: spend } = patient.settings;
  const { clock, random } = patient;
  const [receiving, spending] = await Promise.all([
    receive === undefined
      ? null
      : ask(patient, crypto, { url: receive, purpose: "receive" }, (wallet) =>
        tryWallet(wallet, { clock, random, patienceMs: ANSWER_MS })),
    spend === undefined
      ? null
      : ask(patient, crypto, { url: spend, purpose: "spend" }, (wallet) =>
        probeWallet(wallet, clock, ANSWER_MS)),
  ]);
  return [...ofReceiving(receiving), ...(spending === null ? [] : [ofSpending(spending, receiving)])];
}

async function ask<T>(
  { settings, clock, random, log }: Patient,
  crypto: EventCrypto,
  { url, purpose }: { url: string; purpose: "receive" | "spend" },
  question: (wallet: Wallet) => Promise<T>,
): Promise<Asked<T>> {
  try {
    const wallet = walletOf(url, {
      clock,
      random,
      log,
      crypto,
      relays: settings.NCC_RELAYS,
      dataDir: settings.NCC_DATA_DIR,
      purpose,
    });
    try {
      return { name: wallet.describe(), pays: wallet.pay !== undefined, said: await question(wallet) };
    } finally {
      await wallet.close();
    }
  } catch (error) {
    return { unusable: errorText(error) };
  }
}

/** Whether it answers, makes invoices and finds them again; what it lacks, and what it shouldn't be able to do. */
function ofReceiving(asked: Asked<WalletTrial> | null): Finding[] {
  const what = "wallet";
  if (asked === null) {
    return [warning(
      what,
      'none: orders are answered "can\'t take payments yet"',
      "Set NCC_WALLET to the URL of your wallet (the README's table of wallets shows each), or to demo: to try it.",
    )];
  }
  if ("unusable" in asked) {
    return [problem(what, asked.unusable, "Copy the connection's URL from the wallet to NCC_WALLET again.")];
  }
  const { name, said: { steps, lacks, warnings } } = asked;
  const failed = steps.find(({ ok }) => !ok);
  if (failed) return [problem(what, `${name}: ${failed.step}: ${failed.detail}`, failed.remedy!)];
  const done = steps.map(({ step, detail }) => step === "answers" ? `${step} (${detail})` : step).join(", ");
  return [
    well(what, `${name} ${done}`),
    ...lacks.map((text) => well("wallet lacks", text)),
    ...warnings.map((text) =>
      warning("wallet", text, "The README's table of wallets says what can be done about it.")
    ),
  ];
}

/** Whether it can pay and answers, on the network that the money comes by. */
function ofSpending(asked: Asked<Probed>, receiving: Asked<WalletTrial> | null): Finding {
  const what = "refund wallet";
  const away = (why: string) =>
    problem(what, why, "Refunds wait. Make the connection anew in the wallet and set NCC_WALLET_SPEND.");
  if ("unusable" in asked) return away(asked.unusable);
  if (!asked.pays) return away(`${asked.name} can't pay`);
  if (!asked.said.ok) return away(asked.said.text);
  const theirs = asked.said.network;
  const ours = receiving !== null && "said" in receiving ? receiving.said.network : null;
  if (ours !== null && theirs !== null && ours !== theirs) {
    return problem(
      what,
      `${asked.name} pays on the network ${theirs}, and NCC_WALLET is on ${ours}`,
      "Set NCC_WALLET_SPEND to a wallet on the same network.",
    );
  }
  return well(what, asked.said.text);
}
