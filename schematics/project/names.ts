/** `OrderLog`, `order_log` and `order log` as `order-log`: for files and routes. */
export function dasherize(name: string): string {
  return name
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[\s_.]+/g, '-');
}

/** `order-log` as `OrderLog`: for classes. */
export function classify(name: string): string {
  return dasherize(name).replace(/(?:^|-+)(.?)/g, (_match, letter: string) => letter.toUpperCase());
}
