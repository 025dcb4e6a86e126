import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModulesContainer, type ContextId } from '@nestjs/core';
import { isStandIn } from './stand-in.js';
import { SseError } from '../errors/sse.errors.js';

/** What is used of Nest's GuardsContextCreator: it has been this since Nest 5, and stands behind a private field. */
interface GuardFinder {
  create(
    instance: object,
    handler: object,
    module: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): CanActivate[];
}

/** What is used of Nest's InstanceWrapper of a controller. */
interface ControllerHost {
  id: string;
  instance: unknown;
  metatype: unknown;
  isDependencyTreeStatic(): boolean;
}

/** Finds the guards that Nest runs before a route: the application's, the controller's and the handler's, in order. */
@Injectable()
export class RouteGuards {
  private readonly finder: GuardFinder | undefined;
  private readonly hosts = new WeakMap<object, { module: string; host: ControllerHost }>();

  constructor(
    @Inject(ExternalContextCreator) creator: ExternalContextCreator,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    const { guardsContextCreator } = creator as unknown as { guardsContextCreator?: Partial<GuardFinder> };
    if (typeof guardsContextCreator?.create === 'function') this.finder = guardsContextCreator as GuardFinder;
  }

  /**
   * The guards of a request's route: the same instances that let it in, those of request scope included.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if this version of Nest does not let them be found.
   */
  of(context: ExecutionContext): CanActivate[] {
    const { finder } = this;
    const found = this.hostOf(context.getClass());
    if (!finder || !found) throw this.notFound(context.getClass().name);
    const { module, host } = found;
    // Nest gives a request a context of its own only where something on its way is of request scope.
    const contextId = host.isDependencyTreeStatic()
      ? undefined
      : ContextIdFactory.getByRequest(context.switchToHttp().getRequest<object>());
    const guards = finder.create(host.instance as object, context.getHandler(), module, contextId, host.id);
    return guards.filter((guard) => !isStandIn(guard));
  }

  /**
   * Makes sure at start-up that the guards of a route can be found again.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if they cannot.
   */
  check(controller: string): void {
    if (!this.finder) throw this.notFound(controller);
  }

  private hostOf(controller: object): { module: string; host: ControllerHost } | undefined {
    const known = this.hosts.get(controller);
    if (known) return known;
    for (const [module, { controllers }] of this.modules) {
      for (const wrapper of controllers.values()) {
        if (wrapper.metatype !== controller) continue;
        const found = { module, host: wrapper as unknown as ControllerHost };
        this.hosts.set(controller, found);
        return found;
      }
    }
    return undefined;
  }

  private notFound(controller: string): SseError {
    return new SseError('SSE_INVALID_OPTIONS', `The guards of ${controller} cannot be run again.`, {
      remedy:
        'This version of Nest does not tell them: leave "revalidateMs" out, and use SseConnections.close().',
      context: { option: 'revalidateMs', controller },
    });
  }
}
