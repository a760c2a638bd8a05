#include "order_service.hpp"

namespace order {

using cleave::Problem;
using cleave::Rows;

OrderService::Placed OrderService::place(const OrderRequest& request,
                                         const std::optional<std::string>& key) const {
  if (key) {
    if (auto placed = earlier(request, *key)) return std::move(*placed);
  }
  Rows rows = insert(request, key);
  if (!rows.empty()) return {std::move(rows), false};
  // The key was taken between our look and our insert: the twin's order is the answer.
  if (auto placed = earlier(request, *key)) return std::move(*placed);
  throw Problem(409, "idempotency-key-in-use", "This Idempotency-Key is being used right now.")
      .retry_after(1);
}

std::optional<OrderService::Placed> OrderService::earlier(const OrderRequest& request,
                                                          const std::string& key) const {
  Rows rows = store_.find_key(key, request);
  if (rows.empty()) return std::nullopt;
  if (rows.text(0, OrderStore::kSameRequest) != "t") {
    throw Problem(422, "idempotency-key-reused", "This Idempotency-Key belongs to another order.");
  }
  return Placed{std::move(rows), true};
}

Rows OrderService::insert(const OrderRequest& request,
                          const std::optional<std::string>& key) const {
  const std::int64_t price = peers_.price_for(request);
  const std::int64_t total = total_cents(request.quantity, price);
  if (!key) return store_.insert(request, price, total);
  try {
    return store_.insert(request, price, total, *key);
  } catch (const cleave::DatabaseError& error) {
    if (error.sqlstate() != "55P03") throw;  // lock_not_available: the twin has not committed yet
    throw Problem(409, "idempotency-key-in-use", "This Idempotency-Key is being used right now.")
        .retry_after(1);
  }
}

}  // namespace order
