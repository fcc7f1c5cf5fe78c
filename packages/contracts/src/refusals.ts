// Every way this system says no to a caller: a stable code, what gRPC and HTTP call it, and a sentence for a person.
import { Refusal } from "@quadrille/decider";

/** gRPC status names used for refusals (google.rpc.Code). */
export type GrpcStatus =
  | "INVALID_ARGUMENT"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "UNIMPLEMENTED"
  | "INTERNAL";

export interface RefusalKind {
  readonly grpc: GrpcStatus;
  readonly http: number;
  readonly sentence: string;
}

const kind = (grpc: GrpcStatus, http: number, sentence: string): RefusalKind => ({ grpc, http, sentence });

export const refusals = {
  // The request itself.
  INVALID_REQUEST: kind(
    "INVALID_ARGUMENT",
    400,
    "The request is not well formed; the violations name the fields.",
  ),
  REQUEST_TOO_LARGE: kind("RESOURCE_EXHAUSTED", 413, "The request is larger than this service accepts."),
  REQUEST_ID_REUSED: kind("FAILED_PRECONDITION", 422, "This request id was used before with another body."),
  HEADERS_TOO_LARGE: kind("RESOURCE_EXHAUSTED", 431, "The request's headers are larger than accepted here."),
  REQUEST_TIMEOUT: kind("ABORTED", 408, "The request took too long to arrive."),
  MEDIA_TYPE_UNSUPPORTED: kind("INVALID_ARGUMENT", 415, "The body is of a type that is not read here."),
  NOT_ACCEPTABLE: kind("INVALID_ARGUMENT", 406, "The answer comes in no type that the request accepts."),
  PRECONDITION_FAILED: kind(
    "FAILED_PRECONDITION",
    412,
    "It is no longer what the request's `If-Match` names.",
  ),
  METHOD_UNKNOWN: kind("UNIMPLEMENTED", 404, "There is no such method."),
  ROUTE_UNKNOWN: kind("UNIMPLEMENTED", 404, "There is nothing at this path."),
  HTTP_METHOD_UNKNOWN: kind(
    "UNIMPLEMENTED",
    405,
    "There is nothing that this HTTP method does at this path.",
  ),
  DEADLINE_EXCEEDED: kind(
    "DEADLINE_EXCEEDED",
    504,
    "The answer did not come before the caller's deadline; asking again with the same request id is safe.",
  ),

  // The caller.
  UNAUTHENTICATED: kind("UNAUTHENTICATED", 401, "No token was given, or it is not valid here."),
  FORBIDDEN: kind("PERMISSION_DENIED", 403, "This caller may not do that."),

  RATE_LIMITED: kind(
    "RESOURCE_EXHAUSTED",
    429,
    "There were too many requests in a short time; try again later.",
  ),

  // The service.
  OVERLOADED: kind(
    "RESOURCE_EXHAUSTED",
    503,
    "The service has more work than it can queue; try again shortly.",
  ),
  UNAVAILABLE: kind("UNAVAILABLE", 503, "The service cannot answer just now; try again shortly."),
  PRODUCT_UNAVAILABLE: kind("UNAVAILABLE", 503, "The product service cannot be reached; try again shortly."),
  MEMBER_UNAVAILABLE: kind("UNAVAILABLE", 503, "The member service cannot be reached; try again shortly."),
  PROVIDER_UNAVAILABLE: kind(
    "UNAVAILABLE",
    503,
    "The payment provider cannot be reached; nothing was charged.",
  ),
  INTERNAL: kind("INTERNAL", 500, "Something went wrong here; it was logged."),

  // Products.
  VARIANT_UNKNOWN: kind("NOT_FOUND", 404, "There is no such variant."),
  VARIANT_EXISTS: kind("ALREADY_EXISTS", 409, "A variant with this id exists."),
  NOT_ON_SALE: kind("FAILED_PRECONDITION", 409, "This variant is not on sale."),
  OUT_OF_STOCK: kind("FAILED_PRECONDITION", 409, "There is less in stock than was asked for."),

  // Members.
  MEMBER_UNKNOWN: kind("NOT_FOUND", 404, "There is no such member."),
  MEMBER_EXISTS: kind("ALREADY_EXISTS", 409, "This member exists already."),
  NOT_ENOUGH_POINTS: kind("FAILED_PRECONDITION", 409, "There are fewer points than were asked for."),

  // Carts.
  CART_EMPTY: kind("FAILED_PRECONDITION", 409, "The cart is empty."),
  CART_FULL: kind("FAILED_PRECONDITION", 409, "The cart holds as many lines as it can."),
  CART_LINE_UNKNOWN: kind("NOT_FOUND", 404, "The cart has no such line."),
  CART_CHANGED: kind(
    "ABORTED",
    409,
    "The cart changed while the order was being priced; look at it and try again.",
  ),

  // Orders.
  ORDER_UNKNOWN: kind("NOT_FOUND", 404, "There is no such order."),
  ORDER_EMPTY: kind("INVALID_ARGUMENT", 400, "An order needs at least one line."),
  DUPLICATE_LINE: kind("INVALID_ARGUMENT", 400, "A variant stands in this order more than once."),
  AMOUNT_CHANGED: kind(
    "FAILED_PRECONDITION",
    412,
    "The amount due is not the one expected; prices may have changed.",
  ),
  POINTS_EXCEED_TOTAL: kind("INVALID_ARGUMENT", 400, "More points are to be used than the order costs."),
  AMOUNT_TOO_SMALL: kind(
    "FAILED_PRECONDITION",
    409,
    "The amount due is less than the payment provider charges; use more points, or fewer.",
  ),
  NOT_SETTLED: kind("FAILED_PRECONDITION", 409, "The order is still being settled; try again shortly."),

  // Payments.
  PAYMENT_UNKNOWN: kind("NOT_FOUND", 404, "There is no such payment."),
  PAYMENT_NOT_READY: kind(
    "FAILED_PRECONDITION",
    409,
    "The order is not ready to be paid; try again shortly.",
  ),
  PAYMENT_IN_DOUBT: kind("FAILED_PRECONDITION", 409, "Another attempt to pay this order has no answer yet."),
  PAYMENT_DECLINED: kind("FAILED_PRECONDITION", 402, "The payment was declined."),
  PAYMENT_ENDED: kind("FAILED_PRECONDITION", 409, "This payment has ended and cannot be confirmed."),
  PAYMENT_NOT_STUCK: kind("FAILED_PRECONDITION", 409, "This payment does not wait for that resolution."),
  AMOUNT_MISMATCH: kind("FAILED_PRECONDITION", 409, "The amount is not the amount due."),
} as const satisfies Record<string, RefusalKind>;

export type RefusalCode = keyof typeof refusals;

export function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(refusals, code);
}

const transientStatuses: ReadonlySet<GrpcStatus> = new Set([
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "DEADLINE_EXCEEDED",
]);

const tooLarge: ReadonlySet<RefusalCode> = new Set(["REQUEST_TOO_LARGE", "HEADERS_TOO_LARGE"]);

/** Whether the very same input may succeed later without anyone changing anything. What is too large stays so. */
export function isTransient(code: RefusalCode): boolean {
  return !tooLarge.has(code) && transientStatuses.has(refusals[code].grpc);
}

/** The same of whatever was thrown: a "no" of the catalogue that time alone may turn into a yes. */
export function isTransientRefusal(error: unknown): error is Refusal<RefusalCode> {
  return error instanceof Refusal && isRefusalCode(error.code) && isTransient(error.code);
}
