import { checkOptions, type OptionTable } from './option-check.js';
import { anything, group, required, wholeNumber } from './option-kinds.js';
import { isSseError } from '../errors/sse.errors.js';

const TABLE: OptionTable = {
  size: wholeNumber(1),
  waitMs: anything,
  maxBytes: anything,
  maxBytesTotal: anything,
  inner: group({ colour: required(anything) }),
};

function refusal(given: unknown): string {
  try {
    checkOptions('here', given, TABLE);
  } catch (error) {
    if (isSseError(error, 'SSE_INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'was not refused';
}

describe('the suggested option', () => {
  it.each([
    ['siez', 'size'],
    ['SIZE', 'size'],
    ['sizes', 'size'],
    ['wait', 'waitMs'],
    ['waitBytes', 'waitMs'],
    ['maxByte', 'maxBytes'],
    ['maxBytestotal', 'maxBytesTotal'],
    ['color', 'inner.colour'],
  ])('for %s is %s', (given, meant) => {
    expect(refusal({ [given]: 1 })).toBe(
      `here: Unknown option "${given}": 1. Did you mean "${meant}"? Rename it, or remove it.`,
    );
  });

  it.each(['x', '', 'width', 'constructor', '__proto__'])('for %p does not exist', (given) => {
    expect(refusal(JSON.parse(`{${JSON.stringify(given)}: 1}`))).toBe(
      `here: Unknown option "${given}": 1. Remove it, or use one of "size", "waitMs", "maxBytes", "maxBytesTotal", "inner".`,
    );
  });
});

describe('accepted options', () => {
  it.each([{}, { size: 1 }, { size: undefined }, { inner: undefined }, { inner: { colour: 0 } }])(
    '%j',
    (given) => {
      expect(refusal(given)).toBe('was not refused');
    },
  );

  it('may have any prototype', () => {
    expect(refusal(Object.assign(Object.create(null) as object, { size: 1 }))).toBe('was not refused');
    class Settings {
      size = 2;
      describe(): string {
        return 'methods are ignored';
      }
    }
    expect(refusal(new Settings())).toBe('was not refused');
  });
});

it('the context of the error has the option and its value', () => {
  const value = { secret: 'x'.repeat(100) };
  try {
    checkOptions('here', { size: value }, TABLE);
  } catch (error) {
    expect(error).toMatchObject({ code: 'SSE_INVALID_OPTIONS', context: { option: 'size', value } });
    expect((error as Error).message.length).toBeLessThan(200);
  }
  expect.assertions(2);
});
