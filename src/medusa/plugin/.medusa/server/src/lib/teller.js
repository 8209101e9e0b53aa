"use strict";

const { randomUUID } = require("node:crypto");
const { tell } = require("./ncc_client.js");
const { callHeaders } = require("./signature.js");

const AT_ONCE = 4;
/** What waits beyond this is left to ncc's own looking. */
const MOST_WAITING = 2_000;

/** Tells ncc of events. What isn't heard is lost: ncc looks by itself every few minutes. */
class Teller {
  #url;
  #secret;
  #logger;
  #waiting = [];
  #busy = 0;
  #failing = false;

  constructor({ url, secret, logger }) {
    this.#url = url;
    this.#secret = secret;
    this.#logger = logger;
  }

  /** `look`: finds out what the event is about; null: it needn't be told. Answers at once. */
  tell(look) {
    if (this.#waiting.length >= MOST_WAITING) return this.#failed("more happens than it can be told");
    this.#waiting.push(look);
    if (this.#busy < AT_ONCE) void this.#work();
  }

  async #work() {
    this.#busy++;
    for (let look = this.#waiting.shift(); look !== undefined; look = this.#waiting.shift()) {
      try {
        const call = await look();
        if (call === null) continue;
        await this.#send(call);
        if (this.#failing) this.#logger.info("ncc is told of events again");
        this.#failing = false;
      } catch (error) {
        this.#failed(error.message);
      }
    }
    this.#busy--;
  }

  async #send(call) {
    const body = JSON.stringify(call);
    const headers = callHeaders(this.#secret, { id: `medusa_${randomUUID()}`, at: Date.now(), body });
    await tell(this.#url, { headers, body });
  }

  /** Said once, until it works again. */
  #failed(why) {
    if (!this.#failing) {
      this.#logger.warn(`ncc isn't told of events: ${why}. It finds them by itself, later.`);
    }
    this.#failing = true;
  }
}

module.exports = { Teller };
