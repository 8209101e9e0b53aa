/** What a macaroon is for: an entity as `invoices` or `uri`, and an action as `read` or a method's name. */
export interface Permission {
  entity: string;
  action: string;
}

/** Macaroons of version 2, in binary form: fields of a type, a length and so many bytes. */
const VERSION = 2;
const IDENTIFIER = 2;
/** LND: identifiers begin with this number, and a protobuf message follows: nonce, storage id, operations. */
const BAKERY_VERSION = 3;
const OPERATIONS = 3;
const LENGTH_DELIMITED = 2;

/** What gives power over the node's money: both balances, and whatever makes or changes such a macaroon. */
const SPENDING = ["offchain write", "onchain write", "macaroon generate", "macaroon write"];
/** Methods that spend, for macaroons that name single methods (`uri:/package.Service/Method`). */
const SPENDING_METHODS =
  /\/(Send|SendCoins|SendMany|OpenChannel|BatchOpenChannel|CloseChannel|Bake|Fund|Sign|Pay)/;

/** What a macaroon says that it allows; null when it can't be read. Nobody but its node can tell whether it is valid. */
export function permissionsOf(macaroon: Uint8Array): Permission[] | null {
  const identifier = identifierOf(macaroon);
  if (identifier === null || identifier[0] !== BAKERY_VERSION) return null;
  const message = fieldsOf(identifier.subarray(1));
  if (message === null) return null;
  const permissions: Permission[] = [];
  for (const operation of message.filter(({ number }) => number === OPERATIONS)) {
    const parts = fieldsOf(operation.bytes);
    const entity = parts?.find(({ number }) => number === 1);
    if (!parts || !entity) return null;
    for (const action of parts.filter(({ number }) => number === 2)) {
      permissions.push({ entity: text(entity.bytes), action: text(action.bytes) });
    }
  }
  return permissions;
}

/** Whether it allows to spend; null when it can't be read. */
export function canSpend(macaroon: Uint8Array): boolean | null {
  const permissions = permissionsOf(macaroon);
  if (permissions === null) return null;
  return permissions.some(({ entity, action }) =>
    SPENDING.includes(`${entity} ${action}`) || (entity === "uri" && SPENDING_METHODS.test(action))
  );
}

function identifierOf(macaroon: Uint8Array): Uint8Array | null {
  if (macaroon[0] !== VERSION) return null;
  for (let at = 1; at < macaroon.length;) {
    const type = macaroon[at++]!;
    const length = varint(macaroon, at);
    if (type === 0 || length === null || length.next + length.value > macaroon.length) return null;
    if (type === IDENTIFIER) return macaroon.subarray(length.next, length.next + length.value);
    at = length.next + length.value;
  }
  return null;
}

/** The fields of a protobuf message that has none but texts, bytes and messages. */
function fieldsOf(message: Uint8Array): { number: number; bytes: Uint8Array }[] | null {
  const fields: { number: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at < message.length;) {
    const key = varint(message, at);
    const length = key && varint(message, key.next);
    if (!key || !length || (key.value & 7) !== LENGTH_DELIMITED) return null;
    at = length.next + length.value;
    if (at > message.length) return null;
    fields.push({ number: key.value >> 3, bytes: message.subarray(length.next, at) });
  }
  return fields;
}

/** Numbers of up to 28 bits: nothing here is longer. */
function varint(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return null;
    value |= (byte & 127) << shift;
    if (byte < 128) return { value, next: at };
  }
  return null;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
