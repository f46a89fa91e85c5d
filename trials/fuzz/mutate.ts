import type { Random } from '../../test/support/random.ts';

/** Longest input. */
const maxLength = 64 * 1024;

const numbers = ['0', '-1', '1', '255', '65536', '4294967296', '9007199254740993', '1e999', 'NaN', '00', '0x10', ''];
const bytes = [
  0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x25, 0x26, 0x2b, 0x2f, 0x3c, 0x3e, 0x5c, 0x7f, 0x80, 0xc0, 0xff,
];

/** Makes another input from one input and from pieces of others. */
export function mutate(input: Buffer, others: readonly Buffer[], words: readonly string[], random: Random): Buffer {
  let output = input;
  const times = 1 + random.below(random.chance(0.2) ? 12 : 3);
  for (let index = 0; index < times; index++) output = once(output, others, words, random);
  return output.subarray(0, maxLength);
}

function once(input: Buffer, others: readonly Buffer[], words: readonly string[], random: Random): Buffer {
  const at = random.below(input.length + 1);
  const to = Math.min(input.length, at + random.below(random.chance(0.1) ? input.length + 1 : 24));
  const replaced = (piece: Buffer | string, end = at): Buffer =>
    Buffer.concat([input.subarray(0, at), Buffer.from(piece as string), input.subarray(end)]);
  switch (random.below(9)) {
    case 0: {
      const copy = Buffer.from(input);
      if (copy.length > 0) copy.writeUInt8((copy[at % copy.length] ?? 0) ^ (1 << random.below(8)), at % copy.length);
      return copy;
    }
    case 1:
      return replaced(Buffer.from([bytes[random.below(bytes.length)] ?? 0]), random.chance(0.5) ? at + 1 : at);
    case 2:
      return replaced('', to);
    case 3:
      return replaced(input.subarray(at, to));
    case 4:
      return replaced(words[random.below(words.length)] ?? '', random.chance(0.5) ? to : at);
    case 5: {
      const word = words[random.below(words.length)] ?? 'a';
      return replaced(word.repeat(1 + random.below(random.chance(0.05) ? 3000 : 40)));
    }
    case 6: {
      const other = others[random.below(others.length)] ?? input;
      const from = random.below(other.length + 1);
      return replaced(other.subarray(from, from + random.below(200)), to);
    }
    case 7: {
      const text = input.toString('latin1');
      const found = [...text.matchAll(/[0-9]+/g)];
      const one = found[random.below(found.length)];
      if (!one) return input;
      const number = numbers[random.below(numbers.length)] ?? '';
      return Buffer.from(text.slice(0, one.index) + number + text.slice(one.index + one[0].length), 'latin1');
    }
    default:
      return input.subarray(0, at);
  }
}
