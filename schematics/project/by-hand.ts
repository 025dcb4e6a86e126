import type { ModuleEntry } from '../module-file/module-metadata.js';

/** The lines to write into a module that a schematic left unchanged. `isTaken` if the symbol has another meaning there. */
export function byHand(entry: ModuleEntry, where: string, isTaken = false): string {
  const { property, symbol, expression = symbol, specifier } = entry;
  const name = isTaken ? otherName(symbol) : symbol;
  const imported = isTaken ? `${symbol} as ${name}` : symbol;
  return `Add these two lines by hand:
  import { ${imported} } from '${specifier}';
  ${property}: [${expression.replace(symbol, () => name)}],   // in ${where}`;
}

function otherName(symbol: string): string {
  return symbol.startsWith('Sse') ? symbol.replace('Sse', 'EventStream') : `Sse${symbol}`;
}
