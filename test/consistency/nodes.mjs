import { fileURLToPath } from 'node:url';
import { Child } from './child.mjs';

/** The processes of the application: those of the demo, or of the small one beside this file. */
export class Nodes {
  /** @type {{ name: string, url: string | undefined, child: Child }[]} */
  list;

  /** @param first the number of nodes of another kind, for their names */
  constructor({ count, app, env, first = 0 }) {
    const file = fileURLToPath(
      new URL(app === 'demo' ? '../../dist-demo/main.js' : 'node.mjs', import.meta.url),
    );
    this.list = Array.from({ length: count }, (_, i) => {
      const node = { name: `node ${first + i + 1}`, url: undefined };
      // Every second one on Fastify. Each restarts on its previous port.
      const own = () => ({
        DEMO_ADAPTER: i % 2 ? 'express' : 'fastify',
        PORT: node.url ? new URL(node.url).port : '0',
      });
      node.child = new Child(
        () => [process.execPath, [file], { ...env, ...own() }],
        (said) => {
          const url = / on (http:\S+)/.exec(said)?.[1];
          node.url ??= url;
          return url !== undefined;
        },
      );
      return node;
    });
  }

  /** The nodes of both. */
  static both(some, others) {
    const nodes = new Nodes({ count: 0 });
    nodes.list = [...some.list, ...others.list];
    return nodes;
  }

  start() {
    return Promise.all(this.list.map(({ child }) => child.start()));
  }

  stop() {
    return Promise.all(this.list.map(({ child }) => child.end()));
  }
}
