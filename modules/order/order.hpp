// An order, and the rules that one obeys. No SQL, no HTTP, no other module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cleave/json.hpp"
#include "cleave/problem.hpp"

namespace order {

/// What a client asks for.
struct OrderRequest {
  std::int64_t user_id;
  std::int64_t product_id;
  std::int64_t quantity = 1;

  /// The request in one fixed form: two requests mean the same when these are equal.
  std::string canonical() const {
    return "user_id=" + std::to_string(user_id) + ";product_id=" + std::to_string(product_id) +
           ";quantity=" + std::to_string(quantity);
  }
};

/// Takes an order out of a request's JSON; throws a Problem that names the offending member.
inline OrderRequest from_json(cleave::JsonObject object) {
  OrderRequest request{.user_id = object.integer("user_id", 1, INT64_MAX),
                       .product_id = object.integer("product_id", 1, INT64_MAX)};
  request.quantity = object.optional_integer("quantity", 1, 1'000'000).value_or(1);
  object.done();
  return request;
}

/// quantity × unit price; throws when it leaves 64 bits instead of wrapping round.
inline std::int64_t total_cents(std::int64_t quantity, std::int64_t unit_price_cents) {
  std::int64_t total = 0;
  if (__builtin_mul_overflow(quantity, unit_price_cents, &total)) {
    throw cleave::Problem(422, "out-of-range", "The total of this order is too large.")
        .at("/quantity", "out-of-range");
  }
  return total;
}

/// An Idempotency-Key is 1 to 128 visible ASCII characters; absent is allowed.
inline std::optional<std::string> idempotency_key(const cleave::Request& request) {
  bool given = false;
  for (const cleave_header& header : request.headers) {
    given |= cleave::iequals(cleave::view(header.name), "Idempotency-Key");
  }
  if (!given) return std::nullopt;
  const std::string_view key = request.header("Idempotency-Key");
  bool visible = !key.empty() && key.size() <= 128;
  for (const char c : key) visible &= c > ' ' && c <= '~';
  if (!visible) {
    throw cleave::Problem(400, "idempotency-key-invalid",
                          "An Idempotency-Key is 1 to 128 visible ASCII characters.");
  }
  return std::string(key);
}

}  // namespace order
