#include "redis/subscription.hpp"

#include "observe/log.hpp"

namespace cleave::redis {
namespace {

std::string_view text_of(const redisReply& reply) noexcept {
  if (reply.type != REDIS_REPLY_STRING && reply.type != REDIS_REPLY_ERROR) return {};
  return {reply.str, static_cast<std::size_t>(reply.len)};
}

}  // namespace

Subscription::Subscription(const Address& address, io::Resolver& resolver, io::Millis timeout,
                           Troubles& troubles, Near& near)
    : near_(near),
      link_({&address, &resolver, timeout, &troubles, [this](Link& link) { opened(link); },
             [this] { near_.turn(true); }, [this] { near_.turn(false); },
             [this](const redisReply& reply) { return pushed(reply); }}) {
  link_.open();
}

void Subscription::close() {
  link_.close();
  near_.turn(false);
}

void Subscription::beat() {
  if (link_.up()) link_.send({"PING"}, [](Reply) {});
}

void Subscription::opened(Link& link) {
  link.send({"CLIENT", "ID"}, [this, &link](Reply reply) {
    if (reply == nullptr || refused(link, reply)) return;
    track(link, *reply);
  });
}

void Subscription::track(Link& link, const redisReply& id) {
  const std::string self = std::to_string(id.integer);
  link.send({"CLIENT", "TRACKING", "ON", "REDIRECT", self, "BCAST", "PREFIX", "cleave:v1:"},
            [this, &link](Reply reply) {
              if (reply == nullptr || refused(link, reply)) return;
              link.send({"SUBSCRIBE", "__redis__:invalidate"}, [this, &link](Reply subscribed) {
                if (subscribed == nullptr || refused(link, subscribed)) return;
                link.ready();
              });
            });
}

bool Subscription::refused(Link& link, const Reply& reply) {
  if (!link.is_error(reply)) return false;
  // A server before version 6, or a role without the right: asking again would not help.
  log::info("redis", "near cache off: no invalidations to be had",
            {{"why", std::string(text_of(*reply))}});
  link.close();
  return true;
}

bool Subscription::pushed(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 3 ||
      text_of(*reply.element[0]) != "message") {
    return false;
  }
  const redisReply& keys = *reply.element[2];
  if (keys.type != REDIS_REPLY_ARRAY) {
    near_.clear();  // nil: FLUSHALL or FLUSHDB
    return true;
  }
  for (std::size_t i = 0; i < keys.elements; ++i) near_.invalidate(text_of(*keys.element[i]));
  return true;
}

}  // namespace cleave::redis
