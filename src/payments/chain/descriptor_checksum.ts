const INPUT =
  "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
const OUTPUT = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn];

/** BIP 380: the eight characters behind `#`. Null for a text with characters that no descriptor has. */
export function descriptorChecksum(text: string): string | null {
  const symbols: bigint[] = [];
  let group: number[] = [];
  for (const letter of text) {
    const at = INPUT.indexOf(letter);
    if (at < 0) return null;
    symbols.push(BigInt(at & 31));
    group.push(at >> 5);
    if (group.length < 3) continue;
    symbols.push(BigInt(group[0]! * 9 + group[1]! * 3 + group[2]!));
    group = [];
  }
  if (group.length === 1) symbols.push(BigInt(group[0]!));
  if (group.length === 2) symbols.push(BigInt(group[0]! * 3 + group[1]!));
  const sum = [...symbols, ...Array<bigint>(8).fill(0n)].reduce(step, 1n) ^ 1n;
  return Array.from({ length: 8 }, (_, i) => OUTPUT[Number((sum >> BigInt(5 * (7 - i))) & 31n)]).join("");
}

function step(sum: bigint, symbol: bigint): bigint {
  const top = sum >> 35n;
  const next = ((sum & 0x7ffffffffn) << 5n) ^ symbol;
  return GENERATOR.reduce((all, one, i) => (top >> BigInt(i)) & 1n ? all ^ one : all, next);
}
