#include "http/remote_answer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/chars.hpp"

namespace cleave::http {
namespace {

/// Headers that end here: they speak of the connection, or every answer gets its own.
bool ends_here(std::string_view name) noexcept {
  static constexpr std::string_view kNames[] = {
      "connection",       "content-length",    "date",    "keep-alive",
      "proxy-connection", "server-timing",     "te",      "traceparent",
      "trailer",          "transfer-encoding", "upgrade", "x-content-type-options",
      "x-request-id"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view one) { return iequals(one, name); });
}

bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (iequals(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

Parse RemoteAnswer::refuse(const char* why) noexcept {
  why_ = why;
  keep_alive_ = false;
  return Parse::kRefused;
}

Parse RemoteAnswer::feed(std::string_view bytes) {
  begun_ = begun_ || !bytes.empty();
  input_.append(bytes);
  while (!in_body_) {
    const Parse step = head();
    if (step != Parse::kComplete) return step;
  }
  return body();
}

/// One head, interim ones included.
Parse RemoteAnswer::head() {
  const std::size_t end = input_.find("\r\n\r\n", looked_at_);
  constexpr std::string_view kStart = "HTTP/1.";
  if (!kStart.starts_with(input_.substr(0, kStart.size())) && !input_.starts_with(kStart)) {
    return refuse("it does not speak HTTP/1.1");  // and may never send an empty line
  }
  if (end == std::string::npos) {
    if (input_.size() > kLargestHead) return refuse("its head is too large");
    looked_at_ = input_.size() < 3 ? 0 : input_.size() - 3;
    return Parse::kMore;
  }
  if (end > kLargestHead) return refuse("its head is too large");
  const std::string_view lines(input_.data(), end + 2);
  std::size_t at = lines.find("\r\n");
  if (!status_line(lines.substr(0, at))) return refuse("its status line is malformed");
  for (at += 2; at < lines.size();) {
    const std::size_t line_end = lines.find("\r\n", at);
    if (!field(lines.substr(at, line_end - at))) return refuse("a header line is malformed");
    at = line_end + 2;
  }
  input_.erase(0, end + 4);
  looked_at_ = 0;
  if (response_.status < 200) {
    // 101 would change the protocol, which nobody asked for (RFC 9110, 15.2.2).
    if (response_.status == 101 || ++interim_ > kMostInterim) {
      return refuse("it gave interim answers without an end");
    }
    response_ = {};
    lengths_ = codings_ = 0;
    fields_ = 0;
    return Parse::kComplete;
  }
  in_body_ = true;
  return framing() ? Parse::kComplete : refuse(why_);
}

/// "HTTP/1.1 200 OK" (RFC 9112, 4); what follows the status is for people.
bool RemoteAnswer::status_line(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') ||
      line[8] != ' ' || (line.size() > 12 && line[12] != ' ') || !all(line, kField)) {
    return false;
  }
  if (line[7] == '0') keep_alive_ = false;
  int status = 0;
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, status);
  response_.status = status;
  return error == std::errc() && end == line.data() + 12 && status >= 100 && status <= 599;
}

bool RemoteAnswer::field(std::string_view line) {
  cleave_header field;
  if (++fields_ > kMostHeaders || !split_field(line, field)) return false;
  const std::string_view name = view(field.name), value = view(field.value);
  if (iequals(name, "content-length")) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length_);
    if (++lengths_ > 1 || !all(value, kDigit)) return false;
    return error == std::errc() && end == value.data() + value.size();
  }
  if (iequals(name, "transfer-encoding")) return ++codings_ == 1 && iequals(value, "chunked");
  if (iequals(name, "content-encoding")) return false;  // never asked for, so never sent
  if (iequals(name, "connection") && has_token(value, "close")) keep_alive_ = false;
  if (!ends_here(name)) response_.set(name, value);
  return true;
}

bool RemoteAnswer::framing() {
  const int status = response_.status;
  if (to_head_ || status == 204 || status == 304) {  // these have no body, RFC 9112, 6.3
    length_ = 0;
    return true;
  }
  if (lengths_ + codings_ != 1) {
    // Without a length, a whole body and one that was cut look the same.
    why_ = "it does not state clearly how long its body is";
    return false;
  }
  if (codings_ > 0) {
    chunked_ = std::make_unique<ChunkedDecoder>(largest_);
  } else if (length_ > largest_) {
    why_ = "its body is too large";
    return false;
  }
  return true;
}

Parse RemoteAnswer::body() {
  if (chunked_) {
    std::size_t used = 0;
    Refusal refusal;
    const Parse step = chunked_->feed(input_, used, refusal);
    input_.erase(0, used);
    if (step == Parse::kRefused) {
      return refuse(refusal.status == 413 ? "its body is too large" : "a chunk is malformed");
    }
    if (step == Parse::kComplete) response_.body = chunked_->body();
    return step;
  }
  if (input_.size() < length_) return Parse::kMore;
  if (input_.size() == length_) {
    response_.body = std::exchange(input_, {});
  } else {
    response_.body = input_.substr(0, length_);
    input_.erase(0, length_);
  }
  return Parse::kComplete;
}

}  // namespace cleave::http
