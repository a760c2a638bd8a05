// The users over HTTP: reads requests, asks the store, writes JSON.
#pragma once

#include "cleave/routes.hpp"
#include "user_store.hpp"

namespace user {

class UserRoutes {
 public:
  explicit UserRoutes(UserStore store);
  cleave::Response dispatch(const cleave::Request& request) const {
    return routes_.dispatch(request);
  }

 private:
  cleave::Response list(const cleave::Request& request) const;
  cleave::Response read(const cleave::Request& request, cleave::Id id) const;
  cleave::Response create(const cleave::Request& request) const;
  cleave::Response replace(const cleave::Request& request, cleave::Id id) const;
  cleave::Response remove(const cleave::Request& request, cleave::Id id) const;

  UserStore store_;
  cleave::Routes routes_;
};

}  // namespace user
