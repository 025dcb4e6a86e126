import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModulesContainer, type ContextId } from '@nestjs/core';
import { isStandIn } from './stand-in.js';
import { SseError } from '../errors/sse.errors.js';

/** The part of Nest's GuardsContextCreator that we use. It is in a private field, and has not changed since Nest 5. */
interface GuardFinder {
  create(
    instance: object,
    handler: object,
    module: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): CanActivate[];
}

/** The part of Nest's InstanceWrapper of a controller that we use. */
interface ControllerHost {
  id: string;
  instance: unknown;
  metatype: unknown;
  isDependencyTreeStatic(): boolean;
}

/** Finds the guards that Nest runs before a route: those of the application, the controller and the handler, in this order. */
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
   * The guards of a request's route. They are the same instances that have admitted the request, including request-scoped ones.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if they cannot be found with this version of Nest.
   */
  of(context: ExecutionContext): CanActivate[] {
    const { finder } = this;
    const found = this.hostOf(context.getClass());
    if (!finder || !found) throw this.notFound(context.getClass().name);
    const { module, host } = found;
    // Nest creates a context for a request only if the controller or one of its dependencies is request-scoped.
    const contextId = host.isDependencyTreeStatic()
      ? undefined
      : ContextIdFactory.getByRequest(context.switchToHttp().getRequest<object>());
    const guards = finder.create(host.instance as object, context.getHandler(), module, contextId, host.id);
    return guards.filter((guard) => !isStandIn(guard));
  }

  /**
   * Checks at start-up that the guards of a route can be found.
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
        'They cannot be found with this version of Nest. Remove "revalidateMs", and use SseConnections.close().',
      context: { option: 'revalidateMs', controller },
    });
  }
}
