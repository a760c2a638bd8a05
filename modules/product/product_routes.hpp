// The products over HTTP: reads requests, asks cache and store, writes JSON.
#pragma once

#include "cleave/routes.hpp"
#include "product_cache.hpp"

namespace product {

class ProductRoutes {
 public:
  ProductRoutes(ProductStore store, ProductCache cache);
  cleave::Response dispatch(const cleave::Request& request) const {
    return routes_.dispatch(request);
  }

 private:
  cleave::Response list(const cleave::Request& request) const;
  cleave::Response read(const cleave::Request& request, cleave::Id id) const;
  cleave::Response create(const cleave::Request& request) const;
  cleave::Response replace(const cleave::Request& request, cleave::Id id) const;
  cleave::Response remove(const cleave::Request& request, cleave::Id id) const;

  ProductStore store_;
  ProductCache cache_;
  cleave::Routes routes_;
};

}  // namespace product
