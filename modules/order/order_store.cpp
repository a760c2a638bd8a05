#include "order_store.hpp"

// Each statement is one literal: `cleave check` reads them in the library and proves that they name
// no other module's table.
#define ORDER_COLUMNS \
  "id, user_id, product_id, quantity, unit_price_cents, total_cents, version, created_at"

namespace order {

using cleave::Id;
using cleave::Rows;

Rows OrderStore::find(Id id) const {
  return host_.query("SELECT " ORDER_COLUMNS " FROM orders WHERE id = $1", {id});
}

Rows OrderStore::list(const Filter& filter, std::int64_t after, std::int64_t most) const {
  // One statement a combination, so that each gets the plan of its own index.
  if (filter.user_id && filter.product_id) {
    return host_.query("SELECT " ORDER_COLUMNS
                       " FROM orders WHERE user_id = $3 AND product_id = $4 AND id > $1 "
                       "ORDER BY id LIMIT $2",
                       {after, most, filter.user_id, filter.product_id});
  }
  if (filter.user_id) {
    return host_.query("SELECT " ORDER_COLUMNS
                       " FROM orders WHERE user_id = $3 AND id > $1 ORDER BY id LIMIT $2",
                       {after, most, filter.user_id});
  }
  if (filter.product_id) {
    return host_.query("SELECT " ORDER_COLUMNS
                       " FROM orders WHERE product_id = $3 AND id > $1 ORDER BY id LIMIT $2",
                       {after, most, filter.product_id});
  }
  return host_.query("SELECT " ORDER_COLUMNS " FROM orders WHERE id > $1 ORDER BY id LIMIT $2",
                     {after, most});
}

Rows OrderStore::remove(Id id, const cleave::Versions& versions) const {
  return host_.query(
      "DELETE FROM orders WHERE id = $1 AND ($2::bigint[] IS NULL OR version = ANY ($2)) "
      "RETURNING " ORDER_COLUMNS,
      {id, versions});
}

Rows OrderStore::insert(const OrderRequest& request, std::int64_t unit_price_cents,
                        std::int64_t total_cents) const {
  Rows rows = host_.query_batched(
      "INSERT INTO orders (user_id, product_id, quantity, unit_price_cents, total_cents) "
      "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) "
      "RETURNING " ORDER_COLUMNS,
      {request.user_id, request.product_id, request.quantity, unit_price_cents, total_cents});
  // Rows come back in the order of the arrays: PostgreSQL does so, but its manual does not say so.
  if (rows.integer(0, kUserId) != request.user_id ||
      rows.integer(0, kProductId) != request.product_id ||
      rows.integer(0, kQuantity) != request.quantity ||
      rows.integer(0, kUnitPrice) != unit_price_cents) {
    throw cleave::Problem(503, "outcome-unknown", "The order may have been stored; look for it.")
        .retry_after(1);
  }
  return rows;
}

Rows OrderStore::insert(const OrderRequest& request, std::int64_t unit_price_cents,
                        std::int64_t total_cents, const std::string& key) const {
  return host_.query(
      "INSERT INTO orders (user_id, product_id, quantity, unit_price_cents, total_cents, "
      "idempotency_key, request_hash) VALUES ($1, $2, $3, $4, $5, $6, sha256($7::bytea)) "
      "ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING "
      "RETURNING " ORDER_COLUMNS,
      {request.user_id, request.product_id, request.quantity, unit_price_cents, total_cents, key,
       request.canonical()});
}

Rows OrderStore::find_key(const std::string& key, const OrderRequest& request) const {
  return host_.query("SELECT " ORDER_COLUMNS
                     ", request_hash = sha256($2::bytea) FROM orders WHERE idempotency_key = $1",
                     {key, request.canonical()});
}

}  // namespace order
