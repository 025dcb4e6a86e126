import { elementOf, type ElementOptions } from '../project/element.js';
import { writeElement } from '../project/write-element.js';
import type { Rule } from '../tree.js';
import { channelOf, channelSpecOf } from './channel.template.js';

/** A provider around one channel, its spec, and its place in the nearest module. */
export function sseChannel(options: ElementOptions): Rule {
  return (tree, context) => {
    const element = elementOf(tree, options);
    const { name, className } = element;
    const files = {
      kind: 'channel',
      className: `${className}Channel`,
      property: 'providers',
      source: () => channelOf(name, className),
      spec: (specifier: string) => channelSpecOf(className, specifier),
    } as const;
    writeElement(tree, context, element, files, options);
    return tree;
  };
}
