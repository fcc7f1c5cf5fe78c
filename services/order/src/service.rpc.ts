// The order service as it is served: its methods, and which roles may call each.
import { OrderServiceService } from "@quadrille/contracts/gen/quadrille/order/v1/order_service.ts";
import { type Service, service } from "@quadrille/rpc";
import { cartMethods } from "./cart.rpc.ts";
import { orderMethods } from "./order.rpc.ts";
import type { Shop } from "./placing.ts";

export const orderRpc = (shop: Shop): Service =>
  service(
    OrderServiceService,
    { ...cartMethods(shop), ...orderMethods(shop) },
    {
      getCart: ["member"],
      addCartLine: ["member"],
      changeCartLine: ["member"],
      removeCartLine: ["member"],
      clearCart: ["member"],
      placeOrder: ["member"],
      cancelOrder: ["member", "operator"],
      getOrder: ["member", "operator", "service"],
      listOrders: ["member", "operator", "service"],
      watchOrder: ["member"],
    },
  );
