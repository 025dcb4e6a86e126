import { Body, Controller, Param, Post, Req, UseGuards, type ExecutionContext } from '@nestjs/common';
import { Channels, event, LastEventId, Sse } from 'nestjs-event-stream';
import { SessionGuard, type UserRequest } from './session.guard.js';

const userOf = (context: ExecutionContext) => context.switchToHttp().getRequest<UserRequest>().user;

@Controller()
@UseGuards(SessionGuard)
export class NotificationsController {
  constructor(private readonly channels: Channels) {}

  /** Up to five devices or tabs for each user. A sixth one replaces the oldest. */
  @Sse('notifications', { limit: { key: userOf, max: 5, status: 'replace' } })
  notifications(@Req() { user }: UserRequest, @LastEventId() after?: string) {
    return this.channels.channel(`user:${user}`).subscribe({ after });
  }

  @Post('users/:user/notifications')
  async notify(@Param('user') user: string, @Req() { user: from }: UserRequest, @Body('text') text: unknown) {
    const note = event({ type: 'notification', data: { from, text: String(text) } });
    return { id: await this.channels.channel(`user:${user}`).publish(note) };
  }
}
