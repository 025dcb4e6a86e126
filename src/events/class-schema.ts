import type { StandardSchemaV1 } from '@standard-schema/spec';

/** The functions of class-validator and class-transformer that {@link classSchema} calls. */
export interface ClassLibraries {
  /** `validateSync` of class-validator. It skips decorators that validate asynchronously. */
  validateSync(object: object, options?: object): ClassIssue[];
  /** `plainToInstance` of class-transformer. */
  plainToInstance<T>(type: new () => T, plain: object): T;
}

/** An error of class-validator, by its shape. */
export interface ClassIssue {
  readonly property: string;
  readonly constraints?: Readonly<Record<string, string>> | undefined;
  readonly children?: readonly ClassIssue[] | undefined;
}

/** The properties of an instance, without its methods. */
export type PlainOf<T> = { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: T[K] };

/**
 * Makes a schema of a class with decorators of class-validator. A handler yields an instance, or a plain object with the same
 * properties. A client gets an instance. The package does not depend on the two libraries, so pass their functions.
 *
 * @param options Options of `validateSync()`, such as `{ forbidNonWhitelisted: true, whitelist: true }`.
 * @example
 * import { plainToInstance } from 'class-transformer';
 * import { validateSync } from 'class-validator';
 * const jobEvents = defineEvents({ progress: classSchema(ProgressDto, { plainToInstance, validateSync }) });
 */
export function classSchema<T extends object>(
  type: new () => T,
  { validateSync, plainToInstance }: ClassLibraries,
  options?: object,
): StandardSchemaV1<PlainOf<T>, T> {
  const validate = (value: unknown): StandardSchemaV1.Result<T> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { issues: [{ message: `expected an object of ${type.name}` }] };
    }
    const instance = value instanceof type ? value : plainToInstance(type, value);
    const issues = validateSync(instance, options).flatMap((issue) => issuesOf(issue, []));
    return issues.length > 0 ? { issues } : { value: instance };
  };
  return Object.freeze({
    '~class': type,
    '~standard': Object.freeze({ version: 1, vendor: 'class-validator', validate } as const),
  });
}

function issuesOf(
  { property, constraints = {}, children = [] }: ClassIssue,
  above: readonly PropertyKey[],
): StandardSchemaV1.Issue[] {
  // The issue of a class without decorators has no property, whatever its type says.
  const isNamed = (property as string | undefined) !== undefined;
  const path = isNamed ? [...above, /^\d+$/.test(property) ? Number(property) : property] : above;
  const own = Object.values(constraints).map((message) => ({ message, path }));
  return [...own, ...children.flatMap((child) => issuesOf(child, path))];
}
