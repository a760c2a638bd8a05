// Subscription: Redis' invalidations (CLIENT TRACKING in broadcast mode), which keep the near
// cache true. One a process, on a connection of its own: it redirects the messages to itself, so
// losing it ends both at once.
#pragma once

#include <memory>

#include "redis/link.hpp"
#include "redis/near.hpp"

namespace cleave::redis {

/// The near cache is on exactly while this hears Redis. On one loop's thread.
class Subscription {
 public:
  Subscription(const Address& address, io::Resolver& resolver, io::Millis timeout,
               Troubles& troubles, Near& near);
  void close();
  /// Asks whether Redis is still there; a silent loss is found within the link's timeout.
  void beat();

 private:
  void opened(Link& link);
  void track(Link& link, const redisReply& id);
  bool refused(Link& link, const Reply& reply);
  bool pushed(const redisReply& reply);

  Near& near_;
  Link link_;
};

}  // namespace cleave::redis
