import { describe, expect, it } from '@jest/globals';
import { excerpt, quoted, visible, visibleLines } from '../../../shared/model/text.ts';

describe('visible', () => {
  it.each([
    ['plain text', 'plain text, äöü 中文 😀 "quoted"', 'plain text, äöü 中文 😀 "quoted"'],
    ['escape sequences', '\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
    ['line ends and tabs', 'line\nline\r\nline\ttab', 'line\\u000aline\\u000d\\u000aline\\u0009tab'],
    ['C1 controls and DEL', '\u009b31m \u007f', '\\u009b31m \\u007f'],
    ['changes of direction', '\u202egpj.exe\u2066', '\\u202egpj.exe\\u2066'],
    ['unusual spaces', '\u200b\ufeff\u00a0\u2028\u3000', '\\u200b\\ufeff\\u00a0\\u2028\\u3000'],
    ['surrogates and non-characters', '\ud800 \udfff \u{fffe} \u{10ffff}', '\\ud800 \\udfff \\ufffe \\udbff\\udfff'],
    ['private characters', '\ue000 \u{f0000}', '\\ue000 \\udb80\\udc00'],
  ])('shows %s', (_what, text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

it('visibleLines keeps line ends and escapes the rest', () => {
  expect(visibleLines('one\r\ntwo\u001b[2J')).toBe('one\\u000d\ntwo\\u001b[2J');
});

it('excerpt cuts before it escapes', () => {
  expect(excerpt('\u0007abc', 2)).toBe('\\u0007a...');
  expect(excerpt('ab', 2)).toBe('ab');
});

it('quoted gives JSON that reads back as the text', () => {
  const text = 'a "b" \u001b\u202e\u00a0\u{f0000}\n';
  expect(JSON.parse(quoted(text))).toBe(text);
});
