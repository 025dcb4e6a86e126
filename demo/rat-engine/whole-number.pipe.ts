import { BadRequestException } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';

/** The valid values of a parameter. */
export interface WholeNumberRange<Fallback> {
  readonly min: number;
  readonly max: number;
  /** The value if the client does not send the parameter. */
  readonly fallback: Fallback;
}

/** Accepts a query parameter that is a whole number within a range. */
export class WholeNumberPipe<Fallback extends number | undefined> implements PipeTransform {
  constructor(private readonly range: WholeNumberRange<Fallback>) {}

  /** @throws {BadRequestException} with the name of the parameter and its range, for any other value. */
  transform(value: unknown, { data: name }: ArgumentMetadata): number | Fallback {
    const { min, max, fallback } = this.range;
    if (value === undefined) return fallback;
    const number = Number(value);
    if (typeof value === 'string' && /^\d{1,15}$/.test(value) && number >= min && number <= max)
      return number;
    throw new BadRequestException(`${name} must be a whole number from ${min} to ${max}.`);
  }
}
