// The orders in PostgreSQL: SQL and nothing else. Every method waits; all throw DatabaseError.
#pragma once

#include <optional>

#include "cleave/host.hpp"
#include "cleave/routes.hpp"
#include "order.hpp"

namespace order {

class OrderStore {
 public:
  /// The columns of every result, in this order. kSameRequest only in find_key().
  enum Column {
    kId,
    kUserId,
    kProductId,
    kQuantity,
    kUnitPrice,
    kTotal,
    kVersion,
    kCreatedAt,
    kSameRequest
  };
  struct Filter {
    std::optional<std::int64_t> user_id, product_id;
  };

  explicit OrderStore(cleave::Host host) : host_(host) {}

  cleave::Rows find(cleave::Id id) const;
  cleave::Rows list(const Filter& filter, std::int64_t after, std::int64_t most) const;
  cleave::Rows remove(cleave::Id id, const cleave::Versions& versions) const;  // the old row

  cleave::Rows insert(const OrderRequest& request, std::int64_t unit_price_cents,
                      std::int64_t total_cents) const;
  /// The same under an idempotency key: no row when the key is taken.
  cleave::Rows insert(const OrderRequest& request, std::int64_t unit_price_cents,
                      std::int64_t total_cents, const std::string& key) const;
  /// The order that was made under a key; kSameRequest is "t" when `request` is what made it.
  cleave::Rows find_key(const std::string& key, const OrderRequest& request) const;

 private:
  cleave::Host host_;
};

}  // namespace order
