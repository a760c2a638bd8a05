// The use case "place an order": checked with user and product, stored once.
#pragma once

#include <optional>
#include <string>

#include "order_peers.hpp"
#include "order_store.hpp"

namespace order {

class OrderService {
 public:
  struct Placed {
    cleave::Rows rows;  // the order
    bool replayed;      // it was made by an earlier request with the same key
  };

  OrderService(OrderStore store, OrderPeers peers) : store_(store), peers_(peers) {}

  /// With a key, at most one order is ever made for it: the same request again gets the same
  /// order, another request 422, and one that meets its twin in flight 409.
  Placed place(const OrderRequest& request, const std::optional<std::string>& key) const;

 private:
  std::optional<Placed> earlier(const OrderRequest& request, const std::string& key) const;
  cleave::Rows insert(const OrderRequest& request, const std::optional<std::string>& key) const;
  OrderStore store_;
  OrderPeers peers_;
};

}  // namespace order
