/** A macaroon as LND makes them (version 2, binary), which allows `entity:action`s and is signed by nobody. */
export function macaroon(...permissions: string[]): Uint8Array {
  const byEntity = Map.groupBy(permissions, (one) => one.split(":", 1)[0]!);
  const operations = [...byEntity].map(([entity, some]) =>
    field(3, [
      ...field(1, utf8(entity)),
      ...some.flatMap((one) => field(2, utf8(one.slice(entity.length + 1)))),
    ])
  );
  const identifier = [3, ...field(1, new Array(16).fill(7)), ...field(2, utf8("0")), ...operations.flat()];
  const signature = [...crypto.getRandomValues(new Uint8Array(32))];
  return Uint8Array.from([2, ...part(1, utf8("lnd")), ...part(2, identifier), 0, 0, ...part(6, signature)]);
}

/** What `invoice.macaroon` allows. */
export const INVOICES = [
  "address:read",
  "address:write",
  "invoices:read",
  "invoices:write",
  "onchain:read",
];

function field(number: number, bytes: number[]): number[] {
  return [number << 3 | 2, ...varint(bytes.length), ...bytes];
}

function part(type: number, bytes: number[]): number[] {
  return [type, ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...varint(value >> 7)];
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
