/** A mistake as TypeScript prints it: no value has this type, so the message appears in the error of the compiler. */
export interface Problem<Message extends string> {
  readonly '~problem': Message;
}

/** A mistake that is easier to see with both types next to each other. */
export interface Mismatch<Message extends string, Given, Contract> extends Problem<Message> {
  readonly '~given': Given;
  readonly '~contract': Contract;
}

/** Whether a type is `any`, which nothing can be said about. */
export type IsAny<T> = 0 extends 1 & T ? true : false;
