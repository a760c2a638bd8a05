// What an order must know from other modules: that its user exists, and what its product costs.
#pragma once

#include <cstdint>

#include "cleave/host.hpp"
#include "order.hpp"

namespace order {

class OrderPeers {
 public:
  explicit OrderPeers(cleave::Host host) : host_(host) {}

  /// Asks user and product side by side and returns the product's price in cents as it is now.
  /// Throws 422 naming each of the two that does not exist, 503 when one cannot be asked, and 502
  /// when one talks nonsense: an order is never stored unchecked.
  std::int64_t price_for(const OrderRequest& request) const;

 private:
  cleave::Host host_;
};

}  // namespace order
