#include "redis/link.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "observe/log.hpp"
#include "redis/chance.hpp"

namespace cleave::redis {
namespace {

constexpr io::Millis kFirstBackoff{50}, kLongestBackoff{1000};
constexpr std::size_t kReadSize = 64 * 1024;

struct Prefix {
  std::string_view text;
  Trouble trouble;
};
constexpr Prefix kPrefixes[] = {
    {"OOM ", Trouble::kOom},           {"LOADING ", Trouble::kLoading},
    {"READONLY ", Trouble::kReadOnly}, {"WRONGTYPE ", Trouble::kWrongType},
    {"NOPERM ", Trouble::kNoPerm},     {"NOAUTH ", Trouble::kNoAuth},
    {"WRONGPASS ", Trouble::kNoAuth}};

}  // namespace

Link::Link(Setup setup) : setup_(std::move(setup)), loop_(*io::Loop::current()), alarm_(*this) {}

Link::~Link() {
  if (state_ != State::kClosed) drop();
}

void Link::open() {
  connect();
}

void Link::close() {
  state_ = State::kClosed;
  alarm_.cancel();
  drop();
  end_first();
}

void Link::connect() {
  state_ = State::kOpening;
  connected_ = false;
  const Address& address = *setup_.address;
  if (address.path.empty()) {
    const std::string numeric = setup_.resolver->last();
    if (numeric.empty()) return lose(Trouble::kConnection, "its name is not known");
    context_ = redisConnectNonBlock(numeric.c_str(), address.port);
  } else {
    context_ = redisConnectUnixNonBlock(address.path.c_str());
  }
  if (context_ == nullptr) return lose(Trouble::kConnection, "out of memory");
  if (context_->err != 0) return lose(Trouble::kConnection, context_->errstr);
  watched_ = EPOLLIN | EPOLLOUT;
  if (!loop_.add(context_->fd, watched_, *this)) {
    return lose(Trouble::kConnection, std::strerror(errno));
  }
  progress_ = io::Clock::now();
  loop_.timers().arm(alarm_, progress_ + setup_.timeout);
  greet();
}

void Link::greet() {
  const Address& address = *setup_.address;
  const auto answer = [this](Reply reply) { greeted(std::move(reply)); };
  greetings_ = 1 + (address.password.empty() ? 0 : 1) + (address.database == 0 ? 0 : 1);
  if (!address.password.empty() && address.user.empty()) {
    append({"AUTH", address.password}, answer);
  } else if (!address.password.empty()) {
    append({"AUTH", address.user, address.password}, answer);
  }
  if (address.database != 0) append({"SELECT", std::to_string(address.database)}, answer);
  append({"PING"}, answer);
}

void Link::greeted(Reply reply) {
  if (reply == nullptr) return;  // lost: lose() is already at work
  if (const auto trouble = trouble_of(reply)) {
    return lose(*trouble, {reply->str, static_cast<std::size_t>(reply->len)});
  }
  if (--greetings_ != 0) return;
  if (setup_.opened) {
    setup_.opened(*this);
  } else {
    ready();
  }
}

void Link::ready() {
  if (state_ != State::kOpening) return;
  state_ = State::kUp;
  up_since_ = io::Clock::now();
  if (told_) log::info("redis", "back", {{"address", setup_.address->text()}});
  told_ = false;
  if (setup_.up) setup_.up();
  end_first();
}

void Link::lose(Trouble trouble, std::string_view why) {
  if (state_ == State::kClosed || state_ == State::kDown) return;
  count(trouble);
  const bool was_up = state_ == State::kUp;
  // A link that does not last keeps its backoff, or a flapping server would cost a timeout each
  // time.
  if (was_up && io::Clock::now() - up_since_ > kLongestBackoff) backoff_ = io::Millis(0);
  backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
  if (!told_) {
    log::warn("redis", "not reachable, going on without it",
              {{"address", setup_.address->text()}, {"why", std::string(why)}});
    told_ = true;
  }
  state_ = State::kDown;
  const io::Millis pause(static_cast<std::int64_t>(backoff_.count() * chance(0.5, 1.0)));
  loop_.timers().arm(alarm_, io::Clock::now() + pause);
  drop();
  if (setup_.address->path.empty()) setup_.resolver->refresh();
  if (was_up && setup_.down) setup_.down();
  end_first();
}

void Link::drop() {
  loop_.forget(*this);
  redisContext* const gone = std::exchange(context_, nullptr);
  if (gone != nullptr) {
    loop_.remove(gone->fd, *this);
    redisFree(gone);
  }
  std::deque<Done> lost;
  lost.swap(waiting_);
  sent_ = 0;
  for (Done& done : lost) done(nullptr);
}

void Link::end_first() {
  ever_ = true;
  for (io::Waiter* waiter : std::exchange(first_, {})) waiter->wake();
}

bool Link::wait_first(io::TimePoint deadline) {
  if (ever_ || up()) return up();
  io::Waiter waiter;
  first_.push_back(&waiter);
  if (!waiter.wait(deadline)) std::erase(first_, &waiter);
  return up();
}

Reply Link::ask(Command command, io::TimePoint deadline) {
  if (!up()) return nullptr;
  struct Answer {
    io::Waiter waiter;
    Reply reply;
    bool gone = false;  // the fiber: its deadline came first
  };
  const auto answer = std::make_shared<Answer>();
  append(command, [answer](Reply reply) {
    if (answer->gone) return;
    answer->reply = std::move(reply);
    answer->waiter.wake();
  });
  answer->waiter.wait(deadline);
  answer->gone = true;
  return std::move(answer->reply);
}

void Link::send(Command command, Done done) {
  if (state_ != State::kUp && state_ != State::kOpening) return done(nullptr);
  append(command, std::move(done));
}

void Link::append(Command command, Done done) {
  std::array<const char*, 8> parts;
  std::array<std::size_t, 8> sizes;
  int count = 0;
  for (const std::string_view part : command) {
    parts[static_cast<std::size_t>(count)] = part.data();
    sizes[static_cast<std::size_t>(count++)] = part.size();
  }
  if (context_ == nullptr ||
      redisAppendCommandArgv(context_, count, parts.data(), sizes.data()) != REDIS_OK) {
    return done(nullptr);
  }
  if (waiting_.empty()) {
    progress_ = io::Clock::now();
    loop_.timers().arm(alarm_, progress_ + setup_.timeout);
  }
  waiting_.push_back(std::move(done));
  if (connected_) loop_.batch(*this);
}

void Link::send_batch() {
  if (context_ == nullptr || !connected_) return;
  // The time starts when the first of them leaves. What follows does not start it again: a dead
  // Redis that is still written to would never be noticed.
  if (sent_ == 0) progress_ = io::Clock::now();
  sent_ = waiting_.size();
  int done = 0;
  if (redisBufferWrite(context_, &done) != REDIS_OK) {
    return lose(Trouble::kConnection, context_->errstr);
  }
  watch(done != 0 ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void Link::watch(std::uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  loop_.modify(context_->fd, events, *this);
}

void Link::on_ready(std::uint32_t events) {
  if (!connected_) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lose(Trouble::kConnection, std::strerror(error));
    connected_ = true;
    context_->flags |= REDIS_CONNECTED;
    return send_batch();
  }
  if ((events & EPOLLOUT) != 0) send_batch();
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && context_ != nullptr) read();
}

void Link::read() {
  static thread_local std::array<char, kReadSize> buffer;
  for (;;) {
    const ssize_t got = ::read(context_->fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      return lose(Trouble::kConnection,
                  got == 0 ? "it closed the connection" : std::strerror(errno));
    }
    redisReaderFeed(context_->reader, buffer.data(), static_cast<std::size_t>(got));
    deliver();
    if (context_ == nullptr || static_cast<std::size_t>(got) < buffer.size()) return;
  }
}

void Link::deliver() {
  while (context_ != nullptr) {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_, &raw) != REDIS_OK) {
      return lose(Trouble::kProtocol, context_->errstr);
    }
    if (raw == nullptr) return;
    Reply reply(static_cast<redisReply*>(raw));
    if (setup_.pushed && setup_.pushed(*reply)) continue;
    if (waiting_.empty()) return lose(Trouble::kProtocol, "it answered what nobody asked");
    const Done done = std::move(waiting_.front());
    waiting_.pop_front();
    if (sent_ > 0) --sent_;
    progress_ = loop_.now();
    if (waiting_.empty()) alarm_.cancel();
    done(std::move(reply));
  }
}

void Link::on_alarm() {
  if (state_ == State::kDown) return connect();
  if (waiting_.empty()) return;
  // The loop may have been busy while the answer lay in the socket.
  if (connected_) read();
  if (context_ == nullptr || waiting_.empty()) return;
  // … or before anything was asked: the hook comes a few turns after append().
  if (connected_ && sent_ == 0) {
    send_batch();
    if (context_ != nullptr) loop_.timers().arm(alarm_, progress_ + setup_.timeout);
    return;
  }
  const io::TimePoint due = progress_ + setup_.timeout;
  if (io::Clock::now() < due) return loop_.timers().arm(alarm_, due);
  lose(Trouble::kTimeout, "no answer in time");
}

std::optional<Trouble> Link::trouble_of(const Reply& reply) noexcept {
  if (reply == nullptr || reply->type != REDIS_REPLY_ERROR) return std::nullopt;
  const std::string_view text(reply->str, static_cast<std::size_t>(reply->len));
  for (const Prefix& prefix : kPrefixes) {
    if (text.starts_with(prefix.text)) return prefix.trouble;
  }
  return Trouble::kOther;
}

bool Link::is_error(const Reply& reply) noexcept {
  const auto trouble = trouble_of(reply);
  if (trouble) count(*trouble);
  return trouble.has_value();
}

}  // namespace cleave::redis
