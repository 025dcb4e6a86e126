/** A message for the compiler. No value has this type, so the message appears in the error of TypeScript. */
export interface Problem<Message extends string> {
  readonly '~problem': Message;
}

/** The same, with both types next to each other. */
export interface Mismatch<Message extends string, Given, Contract> extends Problem<Message> {
  readonly '~given': Given;
  readonly '~contract': Contract;
}

/** True if a type is `any`, which cannot be checked. */
export type IsAny<T> = 0 extends 1 & T ? true : false;
