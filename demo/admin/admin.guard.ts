import {
  Injectable,
  NotFoundException,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { adminToken, isSame } from './admin-token.js';

/** Admits requests that carry the token in `DEMO_ADMIN_TOKEN`. Without that setting, the routes answer 404. */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly token = adminToken();

  canActivate(context: ExecutionContext): boolean {
    const { headers, method, url } = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined>; method: string; url: string }>();
    // The message that Nest sends for a route that does not exist.
    if (this.token === '') throw new NotFoundException(`Cannot ${method} ${url}`);
    const [, given] = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '') ?? [];
    if (given === undefined || !isSame(given, this.token)) {
      throw new UnauthorizedException('Send the token in DEMO_ADMIN_TOKEN as Authorization: Bearer.');
    }
    return true;
  }
}
