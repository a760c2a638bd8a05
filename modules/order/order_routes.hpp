// The orders over HTTP: reads requests, asks service and store, writes JSON.
#pragma once

#include "cleave/routes.hpp"
#include "order_service.hpp"

namespace order {

class OrderRoutes {
 public:
  OrderRoutes(OrderStore store, OrderService service);
  cleave::Response dispatch(const cleave::Request& request) const {
    return routes_.dispatch(request);
  }

 private:
  cleave::Response list(const cleave::Request& request) const;
  cleave::Response read(const cleave::Request& request, cleave::Id id) const;
  cleave::Response create(const cleave::Request& request) const;
  cleave::Response remove(const cleave::Request& request, cleave::Id id) const;

  OrderStore store_;
  OrderService service_;
  cleave::Routes routes_;
};

}  // namespace order
