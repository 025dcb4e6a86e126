import {
  Body,
  Controller,
  Get,
  Header,
  Injectable,
  Module,
  Param,
  Post,
  Req,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Channels, event, LastEventId, Sse, SseModule } from 'nestjs-event-stream';

interface UserRequest {
  headers: { cookie?: string };
  user?: string;
}

/** Takes the user from the cookie `user`. A real application verifies a session instead. */
@Injectable()
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<UserRequest>();
    request.user = /(?:^|; )user=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    return request.user !== undefined;
  }
}

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>Notifications</title>
<ul></ul>
<script>
  document.cookie = 'user=ada';
  const list = document.querySelector('ul');
  new EventSource('/notifications').addEventListener('note', ({ data }) => {
    list.append(Object.assign(document.createElement('li'), { textContent: JSON.parse(data).text }));
  });
</script>`;

@Controller()
class NotificationsController {
  constructor(private readonly channels: Channels) {}

  @Get()
  @Header('Content-Type', 'text/html')
  page() {
    return PAGE;
  }

  /** At most five tabs for each user. A client that reconnects gets what it missed. */
  @UseGuards(CookieGuard)
  @Sse('notifications', {
    limit: {
      key: (context) => context.switchToHttp().getRequest<UserRequest>().user,
      max: 5,
      status: 'retry',
    },
  })
  notifications(@Req() request: UserRequest, @LastEventId() after?: string) {
    return this.channels.channel(`user:${request.user}`).subscribe({ after });
  }

  @Post('users/:user/notes')
  async notify(@Param('user') user: string, @Body('text') text: string) {
    const id = await this.channels.channel(`user:${user}`).publish(event({ type: 'note', data: { text } }));
    return { id };
  }
}

@Module({ imports: [SseModule.forRoot()], controllers: [NotificationsController], providers: [CookieGuard] })
export class AppModule {}
