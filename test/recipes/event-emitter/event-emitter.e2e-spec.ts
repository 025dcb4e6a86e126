import { EventEmitter2 } from '@nestjs/event-emitter';
import { Channels } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';
import { OrdersService } from './orders.service.js';

eachAdapter((adapter) => {
  let recipe: RecipeApp;
  let orders: OrdersService;

  beforeEach(async () => {
    recipe = await startRecipe(adapter, AppModule);
    orders = recipe.app.get(OrdersService);
  });
  afterEach(closeRecipes);

  const listeners = () => recipe.app.get(EventEmitter2).listeners('order.paid').length;

  it('a live stream has the events of all orders from now on', async () => {
    orders.change('7', 'paid');
    const stream = await openStream(recipe.app, '/orders/live');
    orders.change('7', 'shipped');
    orders.change('8', 'paid');
    await stream.collect(2);
    expect(stream.raw()).toBe(
      ':\n' +
        'event: order\ndata: {"order":"7","status":"shipped"}\n\n' +
        'event: order\ndata: {"order":"8","status":"paid"}\n\n',
    );
    await stream.close();
    await nothingIsOpen(recipe);
  });

  it('a live stream removes its listener when its client leaves', async () => {
    const before = listeners();
    const stream = await openStream(recipe.app, '/orders/live');
    expect(listeners()).toBe(before + 1);
    await stream.close();
    await until(() => listeners() === before, 'the removal of the listener');
  });

  it('the stream of an order begins with its first event, and ends with its last', async () => {
    orders.change('7', 'paid');
    orders.change('8', 'paid');
    const stream = await openStream(recipe.app, '/orders/7/events');
    await stream.next();
    for (const status of ['shipped', 'delivered']) {
      const response = await fetch(`${recipe.url}/orders/7/${status}`, { method: 'POST' });
      expect(response.status).toBe(201);
    }
    expect(await stream.end()).toBe('ended');
    expect(stream.raw().replaceAll(/^id: .*\n/gm, '')).toBe(
      ':\n' +
        'event: paid\ndata: {"order":"7"}\n\n' +
        'event: shipped\ndata: {"order":"7"}\n\n' +
        'event: delivered\ndata: {"order":"7"}\n\n',
    );
    await nothingIsOpen(recipe);
  });

  it('a client that reconnects gets the events that it missed', async () => {
    const stream = await openStream(recipe.app, '/orders/7/events');
    orders.change('7', 'paid');
    const { id = '' } = await stream.next('paid');
    await stream.close();
    orders.change('7', 'shipped');
    const again = await openStream(recipe.app, '/orders/7/events', { lastEventId: id });
    expect((await again.next()).type).toBe('shipped');
    await again.close();
  });

  it('a status that does not exist is answered with 400', async () => {
    const response = await fetch(`${recipe.url}/orders/7/lost`, { method: 'POST' });
    expect(response.status).toBe(400);
  });

  it('a log that fails does not affect the code that emits', async () => {
    const live = await openStream(recipe.app, '/orders/live');
    await recipe.app.get(Channels).log.close();
    orders.change('7', 'paid');
    expect((await live.next()).json()).toEqual({ order: '7', status: 'paid' });
    await until(() => recipe.logger.errors.length > 0, 'the line in the log');
    expect(recipe.logger.errors.splice(0).join('\n')).toContain('The event log was closed.');
    await live.close();
  });

  it('a shutdown ends the streams', async () => {
    const before = listeners();
    const live = await openStream(recipe.app, '/orders/live');
    const order = await openStream(recipe.app, '/orders/7/events');
    const emitter = recipe.app.get(EventEmitter2);
    await recipe.app.close();
    expect(await live.end()).toBe('ended');
    expect(await order.end()).toBe('ended');
    expect(emitter.listeners('order.paid').length).toBeLessThanOrEqual(before);
  });
});
