import { elementOf, type ElementOptions } from '../project/element.js';
import { routeOf } from '../project/names.js';
import { writeElement } from '../project/write-element.js';
import type { Rule } from '../tree.js';
import { controllerOf, type ControllerType } from './controller.template.js';
import { controllerSpecOf } from './controller-spec.template.js';

/** Options of `nest g -c nestjs-event-stream sse-controller`, in addition to those of every generator. */
export interface SseControllerOptions extends ElementOptions {
  /** The kind of result of the handler. @default 'generator' */
  readonly type?: ControllerType;
}

/** A controller with one event stream, its spec, and its place in the nearest module. */
export function sseController(options: SseControllerOptions): Rule {
  return (tree, context) => {
    const element = elementOf(tree, options);
    const { className } = element;
    const route = routeOf(element.name);
    if (route === undefined) {
      throw new Error(`"${options.name}" does not make a route. Choose a name of ASCII letters and digits.`);
    }
    const type = options.type ?? 'generator';
    const files = {
      kind: 'controller',
      className: `${className}Controller`,
      property: 'controllers',
      source: () => controllerOf(type, route, className),
      spec: (specifier: string) => controllerSpecOf(type, route, className, specifier),
    } as const;
    writeElement(tree, context, element, files, options);
    return tree;
  };
}
