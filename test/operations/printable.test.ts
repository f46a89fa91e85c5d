import { expect, it } from '@jest/globals';
import { printable } from '../../operations/printable.ts';

it.each([
  ['plain text, äöü 中文 😀 "quoted"', 'plain text, äöü 中文 😀 "quoted"'],
  ['\u001b[2J\u001b]0;title\u0007', '\\u{1b}[2J\\u{1b}]0;title\\u{7}'],
  ['line\nline\r\nline\ttab', 'line\\u{a}line\\u{d}\\u{a}line\\u{9}tab'],
  ['\u009b31m \u007f', '\\u{9b}31m \\u{7f}'],
  ['\u202egpj.exe\u2066', '\\u{202e}gpj.exe\\u{2066}'],
  ['\u200b\ufeff\u00a0\u2028\u3000', '\\u{200b}\\u{feff}\\u{a0}\\u{2028}\\u{3000}'],
  ['\ud800 \udfff \u{fffe} \u{10ffff}', '\\u{d800} \\u{dfff} \\u{fffe} \\u{10ffff}'],
])('%j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});
