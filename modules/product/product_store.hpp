// The products in PostgreSQL: SQL and nothing else. Every method waits; all throw DatabaseError.
#pragma once

#include <optional>
#include <string>

#include "cleave/host.hpp"
#include "cleave/routes.hpp"
#include "product.hpp"

namespace product {

class ProductStore {
 public:
  /// The columns of every result, in this order. kListVersion is there after a write, in
  /// first_page() and in untold(): the number of the state of the list
  /// (sql/product/001_products.sql). The last two are of untold() only.
  enum Column {
    kId,
    kName,
    kPriceCents,
    kStock,
    kVersion,
    kCreatedAt,
    kListVersion,
    kOutboxId,
    kOutboxProduct
  };

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

  /// The oldest rows of the outbox (sql/product/002_outbox.sql), each with its product as it is
  /// now. kId is NULL when that is gone, and kVersion then the version of its absence.
  cleave::Rows untold(std::int64_t most) const;
  void told(const std::string& outbox_ids) const;  // "{1,2}"

 private:
  cleave::Host host_;
};

}  // namespace product
