// The products in PostgreSQL: SQL and nothing else. Every method waits; all throw DatabaseError.
#pragma once

#include <optional>

#include "cleave/host.hpp"
#include "cleave/routes.hpp"
#include "product.hpp"

namespace product {

class ProductStore {
 public:
  /// The columns of every result, in this order. kListVersion is there after a write and in
  /// first_page(): the number of the state of the list (sql/product/001_products.sql).
  enum Column { kId, kName, kPriceCents, kStock, kVersion, kCreatedAt, kListVersion };

  explicit ProductStore(cleave::Host host) : host_(host) {}

  cleave::Rows find(cleave::Id id) const;
  cleave::Rows list(std::int64_t after, std::int64_t most) const;
  /// The first rows with the list's version, read in one snapshot. When there is no product, one
  /// row whose id is NULL.
  cleave::Rows first_page(std::int64_t most) const;
  cleave::Rows insert(const Product& product) const;
  /// None when there is no such product or, with `versions`, when it is in none of them.
  cleave::Rows update(cleave::Id id, const Product& product,
                      const cleave::Versions& versions) const;
  cleave::Rows remove(cleave::Id id, const cleave::Versions& versions) const;  // the old row

 private:
  cleave::Host host_;
};

}  // namespace product
