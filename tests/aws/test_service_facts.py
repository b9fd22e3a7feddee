"""What Regions offer, what calls cost and how many the account may make: by tables, and by what Amazon answers."""

import json

import boto3
import pytest
import typer
from botocore.stub import Stubber
from typer.testing import CliRunner

from manifest_tools.aws.opt_out import opt_out_status
from manifest_tools.aws.prices import price_of_calls
from manifest_tools.aws.quotas import account_tps
from manifest_tools.aws.region_offer import MODERATION, PROJECTS, is_amazons, require_offer
from manifest_tools.cli import predict, publish, train
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.core.resources import load_json

app = typer.Typer(pretty_exceptions_enable=False)
for command in (predict.predict, train.train, publish.publish):
    app.command(command.__name__)(command)


@pytest.fixture
def run():
    """Return a function that runs a command with keys that open nothing."""
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_ENDPOINT_URL": None}
    names = (
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_REKOGNITION",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    )
    environment = keys | dict.fromkeys(names)
    return lambda *words: CliRunner(env=environment).invoke(app, list(words))


def client(service, region="us-east-1", **options):
    return boto3.client(
        service, region_name=region, aws_access_key_id="x", aws_secret_access_key="y", **options
    )


@pytest.mark.parametrize(
    ("region", "what", "nearest"),
    [
        ("ca-central-1", MODERATION, "us-east-1"),
        ("ca-central-1", PROJECTS, "us-east-1"),
        ("il-central-1", PROJECTS, "eu-central-1"),
        ("eu-west-3", MODERATION, "eu-west-2"),
        ("ap-northeast-3", PROJECTS, "ap-northeast-1"),
    ],
)
def test_what_a_region_lacks_is_refused_with_the_nearest_that_has_it(region, what, nearest):
    with pytest.raises(
        InputError, match=rf"{region} has no .*nearest Region that has is {nearest}: give --region"
    ):
        require_offer(region, what)


@pytest.mark.parametrize(
    ("region", "what"),
    [
        ("us-east-1", PROJECTS), ("il-central-1", MODERATION), ("us-west-1", MODERATION),
        ("us-west-1", PROJECTS), ("xx-future-9", PROJECTS), ("us-gov-west-1", MODERATION), ("", MODERATION),
    ],
)  # fmt: skip
def test_what_is_offered_or_not_known_passes(region, what):
    assert require_offer(region, what) is None


def test_tables_say_whose_word_they_are():
    assert all(load_json("regions.json")[name] for name in ("source", "date"))
    for model in ("base_model", "adapter"):
        assert load_json("prices.json")[model]["date"]
        assert load_json("prices.json")[model]["source"]
    assert set(load_json("prices.json")["base_model"]["usd"]) <= set(load_json("regions.json")["regions"])


def test_other_peoples_servers_are_not_amazons():
    assert is_amazons(client("rekognition"))
    assert not is_amazons(client("rekognition", endpoint_url="http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("command", "region", "lacking"),
    [
        (["predict", "DIR"], "ca-central-1", "DetectModerationLabels"),
        (["train", "DIR", "--project", "bar", "--dry-run"], "il-central-1", "projects"),
        (["publish", "DIR", "--dry-run"], "il-central-1", "projects"),
    ],
)
def test_commands_refuse_before_the_plan(run, prepare, command, region, lacking):
    folder = prepare(["a.jpg", "b.jpg", "c.jpg"], "s3://bucket/x")
    words = [str(folder) if word == "DIR" else word for word in command]
    done = run(*words, "--region", region)
    assert f"{region} has no {lacking}" in str(done.exception)
    assert isinstance(done.exception, InputError)
    assert done.stdout == ""


def test_prices_by_the_table_carry_their_date():
    price = price_of_calls("us-east-1")
    assert price.thousand == pytest.approx(1.0)
    assert "2026-10-07" in price.origin
    assert "check https://" in price.origin
    assert price_of_calls("us-east-1", adapter=True).thousand == pytest.approx(1.2)
    assert price_of_calls("eu-west-1", adapter=True) is None
    assert price_of_calls("sa-east-1") is None
    assert price_of_calls("us-east-1", given=7.5) == (7.5, "by --price")


def product(price, begin="0", **attributes):
    dimension = {"beginRange": begin, "pricePerUnit": {"USD": price}}
    return json.dumps(
        {
            "product": {"attributes": attributes},
            "terms": {"OnDemand": {"a": {"priceDimensions": {"b": dimension}}}},
        }
    )


PRODUCTS = [
    product("0.0011", operation="DetectModerationLabels"),
    product("0.0008", begin="1000000", operation="DetectModerationLabels"),
    product("0.0013", operation="DetectModerationLabels", group="Custom adapter"),
    product("0.1", operation="GetContentModeration", usagetype="Video-ModerationLabels"),
    product("0.0010", operation="DetectFaces"),
]


def asked(stub, region, products, **more):
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    stub.add_response(
        "get_products",
        {"PriceList": products, **more},
        {"ServiceCode": "AmazonRekognition", "Filters": filters},
    )


@pytest.mark.parametrize(("adapter", "expected"), [(False, 1.1), (True, 1.3)])
def test_the_accounts_price_list_goes_before_the_table(adapter, expected):
    pricing = client("pricing")
    with Stubber(pricing) as stub:
        asked(stub, "eu-west-1", PRODUCTS)
        price = price_of_calls("eu-west-1", adapter=adapter, client=pricing)
    assert price.thousand == pytest.approx(expected)
    assert "the account's price list" in price.origin


@pytest.mark.parametrize(
    "products", [[], [*PRODUCTS, product("0.5", operation="DetectModerationLabels")], ["no json"], ["[]"]]
)
def test_a_price_list_that_is_not_plain_is_passed_over(products):
    pricing = client("pricing")
    with Stubber(pricing) as stub:
        asked(stub, "us-east-1", products)
        assert "2026-10-07" in price_of_calls("us-east-1", client=pricing).origin


def test_a_price_list_that_may_not_be_read_is_passed_over():
    pricing = client("pricing")
    with Stubber(pricing) as stub:
        stub.add_client_error("get_products", "AccessDeniedException", http_status_code=400)
        assert "2026-10-07" in price_of_calls("us-east-1", client=pricing).origin


def quota(name, value):
    return {"QuotaName": name, "Value": value}


def test_the_accounts_own_quota():
    quotas = client("service-quotas")
    first = [
        quota("Transactions per second for GetMediaAnalysisJob", 20.0),
        quota("Streams of DetectModerationLabels", 1.0),
    ]
    second = [
        quota(
            "Transactions per second for the Amazon Rekognition Image operation DetectModerationLabels", 120.0
        )
    ]
    with Stubber(quotas) as stub:
        stub.add_response(
            "list_service_quotas", {"Quotas": first, "NextToken": "t"}, {"ServiceCode": "rekognition"}
        )
        stub.add_response(
            "list_service_quotas", {"Quotas": second}, {"ServiceCode": "rekognition", "NextToken": "t"}
        )
        assert account_tps(quotas) == 120.0


def test_a_quota_that_cannot_be_told_is_an_error_with_a_way_out():
    quotas = client("service-quotas")
    with Stubber(quotas) as stub:
        stub.add_response("list_service_quotas", {"Quotas": []}, {"ServiceCode": "rekognition"})
        with pytest.raises(RemoteError, match="--tps N"):
            account_tps(quotas)
        stub.add_client_error("list_service_quotas", "AccessDeniedException", http_status_code=400)
        with pytest.raises(RemoteError, match="servicequotas:ListServiceQuotas; --tps N"):
            account_tps(quotas)


def test_words_that_are_no_rate_are_refused(run, prepare):
    elsewhere = ["--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:9"]
    folder = prepare(["a.jpg"], "s3://bucket/x")
    for word, told in (("many", "expected a number of calls per second, or auto"), ("auto", "give a number")):
        done = run("predict", str(folder), "--tps", word, *elsewhere)
        assert isinstance(done.exception, InputError)
        assert told in str(done.exception)


def test_the_plan_tells_whose_price_it_is(run, prepare, monkeypatch):
    monkeypatch.setattr("manifest_tools.aws.prices._listed", lambda *_, **__: None)
    monkeypatch.setattr("manifest_tools.aws.opt_out.opt_out_status", lambda _: "opted out")
    folder = prepare(["a.jpg", "b.jpg"], "s3://bucket/x")
    planned = run("predict", str(folder), "--dry-run", "--region", "us-east-1")
    assert (
        "cost        0.00 USD, by a price of 2026-10-07, for the first million of a month; check https://"
        in planned.stdout
    )
    assert "content     use by Amazon to improve the service: opted out (https://" in planned.stdout
    planned = run("predict", str(folder), "--dry-run", "--region", "us-east-1", "--price", "1000")
    assert "cost        2.00 by --price" in planned.stdout
    planned = run("predict", str(folder), "--dry-run", "--region", "sa-east-1")
    assert "cost        not known; --price says it" in planned.stdout


def policy(**services):
    return {"EffectivePolicy": {"PolicyContent": json.dumps({"services": services})}}


OUT, IN = {"opt_out_policy": "optOut"}, {"opt_out_policy": {"@@assign": "optIn"}}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (policy(default=OUT), "opted out"),
        (policy(default=IN), "not opted out"),
        (policy(default=OUT, rekognition=IN), "not opted out"),
        (policy(default=IN, rekognition=OUT), "opted out"),
        (policy(lex=OUT), "not opted out"),
        (policy(default={"opt_out_policy": "?"}), "not known"),
        (policy(default={}), "not known"),
        ({"EffectivePolicy": {"PolicyContent": "no json"}}, "not known"),
        ("EffectivePolicyNotFoundException", "not opted out"),
        ("AWSOrganizationsNotInUseException", "not opted out"),
        ("AccessDeniedException", "not known"),
    ],
)
def test_whether_content_is_kept_from_improving_the_service(answer, status):
    organizations = client("organizations")
    with Stubber(organizations) as stub:
        if isinstance(answer, str):
            stub.add_client_error("describe_effective_policy", answer)
        else:
            stub.add_response(
                "describe_effective_policy", answer, {"PolicyType": "AISERVICES_OPT_OUT_POLICY"}
            )
        assert opt_out_status(organizations) == status
