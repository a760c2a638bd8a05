// The relay of the outbox (https://microservices.io/patterns/data/transactional-outbox.html): tells
// the cache of changes whose writer may not have lived long enough to do it.
#pragma once

#include "product_cache.hpp"
#include "product_store.hpp"

namespace product {

class ProductRelay {
 public:
  ProductRelay(ProductStore store, ProductCache cache) : store_(store), cache_(cache) {}

  /// What is in the outbox, up to kTurns times kRows. False: the cache could not be told; the rest
  /// is still there. Telling twice, or beside the relay of another process, changes nothing: an
  /// older version loses.
  bool run() const;

 private:
  static constexpr int kTurns = 10;  // then others, such as a stop, have theirs
  static constexpr std::size_t kRows = 100;
  ProductStore store_;
  ProductCache cache_;
};

}  // namespace product
