/** Random topics and patterns over few tokens, so that they meet often. */
import fc from 'fast-check';

const token = fc.constantFrom('a', 'b', 'c');

export const topic = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));

export const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: token }, { weight: 1, arbitrary: fc.constant('*') }), { maxLength: 4 }),
    fc.constantFrom('>', '*', 'a', 'b'),
  )
  .map(([tokens, last]) => [...tokens, last].join('.'));
