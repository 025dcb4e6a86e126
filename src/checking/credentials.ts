/** The user name and the password in a URL. A password can contain an "@" that is not escaped. */
const OF_URL = /^(\s*[a-z][\w+.-]*:\/\/)\S*@/i;
const PASSWORD = /^(?:password|pass|auth)$/i;
const HIDDEN = '…';
const MAX_DEPTH = 4;

/**
 * Returns options without passwords, for checks whose errors quote values: an application logs the error of its start-up. Instances
 * of classes stay as they are.
 */
export function withoutCredentials<T>(options: T): T {
  return concealed(options, 0) as T;
}

function concealed(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.replace(OF_URL, `$1${HIDDEN}@`);
  if (depth === MAX_DEPTH || !isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const isSecret = PASSWORD.test(name) && typeof item === 'string';
      return [name, isSecret ? HIDDEN : concealed(item, depth + 1)];
    }),
  );
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
