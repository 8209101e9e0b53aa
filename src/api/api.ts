import type { OpenAPIHono } from "@hono/zod-openapi";
import { auditTrail } from "./audit.ts";
import { authenticate, authenticBody } from "./auth.ts";
import { boundedBody } from "./body.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { knownHost, requestId, safeHeaders } from "./guards.ts";
import { hookRoutes } from "./hook_routes.ts";
import { idempotent } from "./idempotency.ts";
import { medusaHookRoutes } from "./medusa_hook_routes.ts";
import { newApi } from "./new_api.ts";
import { lnurlRoutes } from "./pay/lnurl_routes.ts";
import { PayGuard } from "./pay/pay_guard.ts";
import { payRoutes } from "./pay/pay_routes.ts";
import { refuseAsProblems } from "./refusals.ts";
import { backupRoutes } from "./routes/backups.ts";
import { customerRoutes } from "./routes/customers.ts";
import { demoRoutes } from "./routes/demo.ts";
import { invoiceRoutes } from "./routes/invoices.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { medusaRoutes } from "./routes/medusa.ts";
import { merchantRoutes } from "./routes/merchants.ts";
import { moveRoutes } from "./routes/moves.ts";
import { messageRoutes } from "./routes/messages.ts";
import { noticeRoutes } from "./routes/notices.ts";
import { orderRoutes } from "./routes/orders.ts";
import { paymentRoutes } from "./routes/payments.ts";
import { productRoutes } from "./routes/products.ts";
import { refundRoutes } from "./routes/refunds.ts";
import { relayRoutes } from "./routes/relays.ts";
import { restoreRoutes } from "./routes/restore.ts";
import { stallRoutes } from "./routes/stalls.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { walletRoutes } from "./routes/wallets.ts";
import { serviceRoutes } from "./service_routes.ts";
import { WrongTokens } from "./wrong_tokens.ts";

/** Everything that is served over HTTP: the REST API, health, metrics, and the relay. */
export function createApi(parts: ApiParts): OpenAPIHono<ApiEnv> {
  const app = newApi();
  refuseAsProblems(app, parts);
  app.use(requestId(parts), safeHeaders(), knownHost(parts));

  // Who asks is known before a body is read; whether it is the signed one, and a repeat, only after.
  const wrong = new WrongTokens(parts.clock);
  const guards = [authenticate(parts, wrong), boundedBody(parts), authenticBody(parts)];
  serviceRoutes(app, parts, { guards, wrong });
  hookRoutes(app, parts);
  medusaHookRoutes(app, parts);
  const pages = new PayGuard(parts);
  payRoutes(app, parts, pages);
  lnurlRoutes(app, parts, pages);
  app.use("/api/v1/*", ...guards, auditTrail(parts), idempotent(parts));
  for (
    const routes of [
      merchantRoutes,
      moveRoutes,
      stallRoutes,
      productRoutes,
      medusaRoutes,
      orderRoutes,
      invoiceRoutes,
      paymentRoutes,
      walletRoutes,
      refundRoutes,
      messageRoutes,
      customerRoutes,
      noticeRoutes,
      relayRoutes,
      jobRoutes,
      backupRoutes,
      restoreRoutes,
      tokenRoutes,
      demoRoutes,
    ]
  ) {
    app.route("/api/v1", routes(parts));
  }
  return app;
}
