import 'reflect-metadata';
import { plainToInstance, Type } from 'class-transformer';
import { IsDate, IsInt, IsOptional, Max, ValidateNested, validateSync } from 'class-validator';
import { classSchema } from './class-schema.js';
import { defineEvents } from './event-contract.js';
import { validPayload } from './valid-payload.js';

class Step {
  @IsInt()
  declare n: number;
}
class Progress {
  @IsInt()
  @Max(100)
  declare percent: number;

  @IsOptional()
  @IsDate()
  @Type(() => Date)
  declare at?: Date;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Step)
  declare steps?: Step[];

  half(): number {
    return this.percent / 2;
  }
}
const libraries = { plainToInstance, validateSync };
const events = defineEvents({ progress: classSchema(Progress, libraries) });
const refusal = (data: unknown, contract: Parameters<typeof validPayload>[0] = events): unknown => {
  try {
    return validPayload(contract, 'progress', data);
  } catch (error) {
    return error;
  }
};

describe('classSchema()', () => {
  it('returns an instance for any input, with the values that the decorators produce', () => {
    const read = validPayload(events, 'progress', {
      percent: 10,
      at: '2026-01-02T00:00:00.000Z',
      steps: [{ n: 1 }],
    });
    expect(read).toBeInstanceOf(Progress);
    expect((read as Progress).half()).toBe(5);
    expect((read as Progress).at).toEqual(new Date('2026-01-02'));
    expect((read as Progress).steps?.[0]).toBeInstanceOf(Step);
    const instance = plainToInstance(Progress, { percent: 1 });
    expect(validPayload(events, 'progress', instance)).toBe(instance);
  });

  it('reports a class without decorators at the path of its object', () => {
    class Bare {
      declare n: number;
    }
    const bare = defineEvents({ progress: classSchema(Bare, libraries) });
    expect(refusal({ n: 1 }, bare)).toMatchObject({ context: { issues: [{ path: 'data' }] } });
  });

  it('reports every broken constraint with its path', () => {
    expect(refusal({ percent: 100.5, steps: [{ n: 1 }, { n: 'x' }] })).toMatchObject({
      code: 'SSE_INVALID_EVENT',
      context: {
        issues: [
          { path: 'data.percent', message: 'percent must not be greater than 100' },
          { path: 'data.percent', message: 'percent must be an integer number' },
          { path: 'data.steps[1].n', message: 'n must be an integer number' },
        ],
      },
    });
  });

  it.each([undefined, null, 5, 'text', []])('rejects %p', (data) => {
    expect(refusal(data)).toMatchObject({
      code: 'SSE_INVALID_EVENT',
      context: { issues: [{ path: 'data', message: 'expected an object of Progress' }] },
    });
  });

  it('passes options to class-transformer and class-validator', () => {
    const strict = defineEvents({
      progress: classSchema(Progress, libraries, { whitelist: true, forbidNonWhitelisted: true }),
    });
    expect(refusal({ percent: 1, other: 2 }, strict)).toMatchObject({
      context: { issues: [{ path: 'data.other' }] },
    });
    expect(refusal({ percent: 1, other: 2 })).toBeInstanceOf(Progress);
    expect(refusal({ percent: 1, a1: 2, '1a': 2, '12': 2 }, strict)).toMatchObject({
      context: { issues: [{ path: 'data[12]' }, { path: 'data.a1' }, { path: 'data["1a"]' }] },
    });
  });

  it('rejects data of a class without decorators, as class-validator does', () => {
    class Bare {
      declare a: number;
    }
    expect(refusal({ a: 1 }, defineEvents({ progress: classSchema(Bare, libraries) }))).toMatchObject({
      code: 'SSE_INVALID_EVENT',
    });
  });
});
