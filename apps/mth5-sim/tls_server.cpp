#include "tls_server.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>

#include <fmt/format.h>

#include "mth5/error.hpp"

namespace sim {

namespace {

void must(bool good, const char* what) {
  if (!good) throw mth5::Error{std::string{"https: "} + what + " cannot be made"};
}

}  // namespace

struct TlsServer::Context {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ssl{nullptr, SSL_CTX_free};
};
struct TlsServer::Session::Ssl {
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
  BIO* in = nullptr;  // both are those of ssl
  BIO* out = nullptr;
};

TlsServer::TlsServer() : context_{std::make_unique<Context>()} {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
                                                                EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};
  must(key && certificate, "a key");
  auto* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), 60L * 60 * 24 * 365);
  X509_set_pubkey(x, key.get());
  auto* const name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("mth5-sim"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  must(X509_sign(x, key.get(), EVP_sha256()) > 0, "a certificate");
  context_->ssl.reset(SSL_CTX_new(TLS_server_method()));
  must(context_->ssl && SSL_CTX_use_certificate(context_->ssl.get(), x) == 1 &&
           SSL_CTX_use_PrivateKey(context_->ssl.get(), key.get()) == 1,
       "TLS");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned n = 0;
  must(X509_digest(x, EVP_sha256(), digest.data(), &n) == 1, "a fingerprint");
  for (unsigned i = 0; i < n; ++i) fingerprint_ += fmt::format("{:02x}", digest[i]);
}
TlsServer::~TlsServer() = default;

TlsServer::Session::Session(const TlsServer& server) : ssl_{std::make_unique<Ssl>()} {
  ssl_->ssl.reset(SSL_new(server.context_->ssl.get()));
  ssl_->in = BIO_new(BIO_s_mem());
  ssl_->out = BIO_new(BIO_s_mem());
  must(ssl_->ssl && ssl_->in != nullptr && ssl_->out != nullptr, "a session");
  SSL_set_bio(ssl_->ssl.get(), ssl_->in, ssl_->out);
  SSL_set_accept_state(ssl_->ssl.get());
}
TlsServer::Session::~Session() = default;
TlsServer::Session::Session(Session&&) noexcept = default;
TlsServer::Session& TlsServer::Session::operator=(Session&&) noexcept = default;

std::string TlsServer::Session::open(std::string_view bytes, bool& good) {
  good = BIO_write(ssl_->in, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  std::string all;
  std::array<char, 16384> part{};
  int n = 0;
  while (good && (n = SSL_read(ssl_->ssl.get(), part.data(), static_cast<int>(part.size()))) > 0)
    all.append(part.data(), static_cast<std::size_t>(n));
  if (n <= 0) good = good && SSL_get_error(ssl_->ssl.get(), n) == SSL_ERROR_WANT_READ;
  return all;
}

std::string TlsServer::Session::seal(std::string_view text) {
  if (!text.empty()) static_cast<void>(SSL_write(ssl_->ssl.get(), text.data(), static_cast<int>(text.size())));
  std::string all(BIO_ctrl_pending(ssl_->out), '\0');
  if (!all.empty()) static_cast<void>(BIO_read(ssl_->out, all.data(), static_cast<int>(all.size())));
  return all;
}

}  // namespace sim
