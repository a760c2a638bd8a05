// The products in the cache: which keys there are, and what orders their values.
//
// "id:<id>" holds a product as the JSON of its answer, ordered by the row's version.
// "list" holds the first page with the default limit, ordered by the list's version; its first line
// is the id after which the next page begins, empty when there is none.
// A writer stores after its commit; an older value of a slow reader loses against it. What a writer
// could not tell any more, ProductRelay does.
#pragma once

#include <string>

#include "cleave/host.hpp"
#include "product_store.hpp"

namespace product {

class ProductCache {
 public:
  ProductCache(cleave::Host host, ProductStore store) : host_(host), store_(store) {}

  cleave::Cached find(cleave::Id id) const;  // CLEAVE_VALUE or CLEAVE_GONE
  cleave::Cached first_page() const;

  void written(const cleave::Rows& rows) const;  // after an insert or update: the new row
  void removed(const cleave::Rows& rows) const;  // after a delete: the old row
  /// What a row of ProductStore::untold() says. False: the cache has not heard of it yet.
  bool tell(const cleave::Rows& rows, std::size_t row) const;
  bool list_changed(const cleave::Rows& rows) const;  // of any of them; false: as above

 private:
  cleave::Host host_;
  ProductStore store_;
};

/// One product as JSON.
void append(cleave::JsonWriter& json, const cleave::Rows& rows, std::size_t row);
std::string to_json(const cleave::Rows& rows, std::size_t row);

}  // namespace product
