import { basename } from './paths.js';

/** A folder as the generators of Nest name it: `OrderLog` as `order-log`; underscores and dots stay. */
export function folderName(name: string): string {
  return name
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/\s+/g, '-');
}

/** `OrderLog`, `order_log` and `order log` as `order-log`: for files and routes. */
export function dasherize(name: string): string {
  return folderName(name)
    .replace(/[_.]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** `order-log` as `OrderLog`: for classes. */
export function classify(name: string): string {
  return dasherize(name).replace(/(?:^|-+)(.?)/g, (_match, letter: string) => letter.toUpperCase());
}

/** The class that is expected in a module file: `AppModule` in `app.module.ts`. */
export function moduleClassOf(file: string): string {
  return classify(basename(file).replace(/\.[cm]?[jt]s$/, ''));
}

/** Letters that carry marks, without them: `über` as `uber`. */
const MARKS = /\p{Mark}+/gu;

/**
 * A name as part of a URL. Frameworks do not agree on how a route with other characters than ASCII is registered: Express
 * matches it percent-encoded, Fastify decoded. Returns `undefined` if a character has no ASCII letter beneath its marks.
 */
export function routeOf(name: string): string | undefined {
  const plain = name.normalize('NFKD').replace(MARKS, '');
  return /^[\x21-\x7e]+$/.test(plain) ? plain : undefined;
}
