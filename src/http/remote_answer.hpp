// RemoteAnswer: reads one answer of another host as its bytes arrive. Pure: no I/O, no clock.
//
// As strict as the door is with requests, and for the same reason: a peer may be another program,
// another version, or broken. An answer counts only when it is whole and its length was stated.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cleave/message.hpp"
#include "http/chunked.hpp"

namespace cleave::http {

class RemoteAnswer {
 public:
  static constexpr std::size_t kLargestHead = 32 * 1024;
  static constexpr std::size_t kMostHeaders = 100;
  static constexpr int kMostInterim = 8;  // 1xx answers before the final one

  /// `largest`: bytes that the body may have. `to_head`: the request was a HEAD.
  RemoteAnswer(std::size_t largest, bool to_head) : largest_(largest), to_head_(to_head) {}

  /// kRefused: why() tells; nothing more may be fed. Bytes behind a whole answer belong to nobody:
  /// then reusable() is false.
  Parse feed(std::string_view bytes);

  bool begun() const noexcept { return begun_; }
  /// Whether the connection may carry another request.
  bool reusable() const noexcept { return keep_alive_ && input_.empty(); }
  const char* why() const noexcept { return why_; }
  /// Once complete: status, body, and the headers that are not of the connection.
  Response& response() noexcept { return response_; }

 private:
  Parse head();
  bool status_line(std::string_view line);
  bool field(std::string_view line);
  bool framing();
  Parse body();
  Parse refuse(const char* why) noexcept;

  std::size_t largest_;
  bool to_head_;
  bool begun_ = false, in_body_ = false, keep_alive_ = true;
  const char* why_ = "";
  std::string input_;
  std::size_t looked_at_ = 0;
  int interim_ = 0;
  int lengths_ = 0, codings_ = 0;
  std::size_t fields_ = 0;
  std::uint64_t length_ = 0;
  std::unique_ptr<ChunkedDecoder> chunked_;
  Response response_;
};

}  // namespace cleave::http
