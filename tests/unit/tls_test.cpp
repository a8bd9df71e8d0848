#include "acquisition/source/tls.hpp"

#include <gmock/gmock.h>

/// TLS around a protocol: what goes wrong before a word of it is said. With a server: tests/fault/http_test.cpp.
namespace {

using daq::source::Protocol;
using daq::source::Tls;
using testing::HasSubstr;

/// Says who it is to everybody.
class Secret final : public Protocol {
 public:
  Answer connected(Time /*now*/) override { return {.send = "secret"}; }
  Answer received(std::span<const char> /*bytes*/, Time /*now*/, const Give& /*give*/) override { return {.send = "secret"}; }
  Answer due(Time /*now*/) override { return {.send = "secret"}; }
  void disconnected() override {}
  void durable(const daq::ledger::Durable& /*position*/) override {}
  std::vector<std::string> take_news() override { return {}; }
};

TEST(TlsTalk, BeginsWithItsOwnHelloAndSaysNothingElseBeforeTheCertificate) {
  Tls tls{{.url = "https://box/"}, std::make_unique<Secret>()};
  for (int connection = 0; connection < 2; ++connection) {
    const auto hello = tls.connected({});
    EXPECT_EQ(hello.failed, "");
    ASSERT_GT(hello.send.size(), 50u);
    EXPECT_EQ(hello.send[0], '\x16') << "a handshake";
    EXPECT_THAT(hello.send, HasSubstr("box")) << "the host that is meant";
    EXPECT_THAT(hello.send, testing::Not(HasSubstr("secret")));
    EXPECT_EQ(tls.due({}).send, "");
    EXPECT_FALSE(tls.closed({}, [](auto, auto) {}).reopen);
    tls.disconnected();
  }
}

TEST(TlsTalk, WhoSpeaksNoTlsIsGivenUpInOneLine) {
  Tls tls{{.url = "https://10.0.0.2/"}, std::make_unique<Secret>()};
  EXPECT_THAT(tls.connected({}).send, testing::Not(HasSubstr("10.0.0.2"))) << "an address is no name";
  const std::string other = "HTTP/1.1 400 Bad Request\r\n\r\n";
  const auto answer = tls.received(other, {}, [](auto, auto) { FAIL(); });
  EXPECT_THAT(answer.failed, testing::StartsWith("https://10.0.0.2/: no TLS comes about: "));
  EXPECT_EQ(answer.failed.find('\n'), answer.failed.npos);
  EXPECT_EQ(answer.send.find("secret"), answer.send.npos);
}

}  // namespace
