#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace daq::source {

/// One answer of an HTTP server, read in pieces cut anywhere. No I/O; memory is bounded by what it is told. Thread: io.
class HttpAnswer {
 public:
  HttpAnswer();
  ~HttpAnswer();
  HttpAnswer(HttpAnswer&&) noexcept;
  HttpAnswer& operator=(HttpAnswer&&) noexcept;

  /// @returns how many of the bytes are of it; fewer than all: it is done, has failed, or its head has just ended
  [[nodiscard]] std::size_t take(std::string_view bytes);
  /// The connection has ended: so may an answer that does not say its length.
  void end();
  /// How long the body may be. To be said once the head is there: what is longer fails.
  void limit_body(std::size_t bytes);

  [[nodiscard]] bool has_head() const;
  [[nodiscard]] bool has_limit() const { return longest_.has_value(); }
  [[nodiscard]] bool done() const;
  [[nodiscard]] const std::string& failed() const { return failed_; }  ///< what is wrong with it; "" = nothing

  // Of the head.
  [[nodiscard]] unsigned status() const;
  [[nodiscard]] std::string header(std::string_view name) const;  ///< "" = it has none; several: with ", " between
  [[nodiscard]] std::optional<std::uint64_t> length() const;      ///< of the body, as the head says
  [[nodiscard]] bool keeps_alive() const;                         ///< the connection is good for another question

  [[nodiscard]] const std::string& body() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string failed_;
  std::optional<std::size_t> longest_;
};

/// "bytes 0-99/1000", "bytes */1000"; nullopt for anything else.
struct ContentRange {
  std::optional<std::uint64_t> first{};  ///< byte of the file
  std::optional<std::uint64_t> last{};
  std::optional<std::uint64_t> total{};  ///< bytes of the file; nullopt: '*'
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace daq::source
